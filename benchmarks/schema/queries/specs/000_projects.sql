-- Queries on projects, sessions and questions (000_core).

-- person project: one project
-- values: projects(id)
select * from public.projects where id = $1;

-- person projects_newest_first: a person's projects, newest first
-- values: projects(user_id)
select id, name, status, created_at from public.projects where user_id = $1 order by created_at desc limit 20;

-- person projects_by_status: a person's projects in one state
-- values: projects(user_id)
select id, name from public.projects where user_id = $1 and status = 'active';

-- person owned_newest_first: an owner's projects, newest first
-- values: projects(owner_id)
select id, name, status, created_at from public.projects where owner_id = $1 order by created_at desc limit 20;

-- person owned_by_status: projects an owner has in one state
-- values: projects(owner_id)
select count(*) from public.projects where owner_id = $1 and status = 'archived';

-- staff projects_once_started: projects a person once started
-- values: projects(creator_id)
select id, name, owner_id from public.projects where creator_id = $1;

-- staff projects_in_a_state: how many projects are in one state, and when the newest began
-- values: projects(status)
select count(*), max(created_at) from public.projects where status = $1;

-- staff projects_in_a_phase: how many projects have reached one phase
-- values: projects(current_phase)
select count(*) from public.projects where current_phase = $1;

-- staff projects_by_maturity: the most mature projects
select id, name, maturity_score from public.projects order by maturity_score desc limit 50;

-- staff all_projects: all projects, newest first
select id, name, user_id, created_at from public.projects order by created_at desc limit 50;

-- job put_away_long_ago: projects put away so long ago that they may go
select id, name, archived_at from public.projects
where archived_at < '2023-06-01 00:00+00' order by archived_at limit 100;

-- person delete_project: a project goes, with everything that hangs on it
-- values: sessions(project_id)
delete from public.projects where id = $1;

-- person session: one session
-- values: sessions(id)
select * from public.sessions where id = $1;

-- person sessions_of_a_project: a project's sessions, newest first
-- values: sessions(project_id)
select id, mode, status, created_at from public.sessions where project_id = $1 order by created_at desc limit 20;

-- person open_sessions_of_a_project: the sessions of a project that go on
-- values: sessions(project_id)
select id, mode, started_at from public.sessions where project_id = $1 and status = 'active';

-- job forgotten_sessions: sessions that somebody began long ago and never ended
select id, project_id, started_at from public.sessions where status = 'active' order by started_at limit 50;

-- staff sessions_of_a_mode: how many sessions are held as free chat
-- values: sessions(mode) where mode <> 'socratic'
select count(*) from public.sessions where mode = $1;

-- staff all_sessions: all sessions, latest start first
select id, project_id, started_at from public.sessions order by started_at desc limit 50;

-- job sessions_of_a_day: sessions of one day, for the activity figures
select count(*), count(distinct project_id) from public.sessions
where created_at >= '2025-06-01 00:00+00' and created_at < '2025-06-02 00:00+00';

-- person delete_session: a session goes, with its messages and questions
-- values: conversation_history(session_id)
delete from public.sessions where id = $1;

-- person questions_of_a_project: a project's latest questions
-- values: questions(project_id)
select id, text, category from public.questions where project_id = $1 order by created_at desc limit 20;

-- person questions_on_a_topic: a project's questions on one topic
-- values: questions(project_id, category)
select id, text, quality_score from public.questions where project_id = $1 and category = $2;

-- person latest_questions: the latest questions of a session
-- values: questions(session_id)
select id, text, category from public.questions where session_id = $1 order by created_at desc limit 5;

-- staff questions_per_topic: how many questions were asked on one topic
-- values: questions(category)
select count(*) from public.questions where category = $1;

-- staff all_questions: all questions, newest first
select id, project_id, text from public.questions order by created_at desc limit 50;

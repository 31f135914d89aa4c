-- Queries on specifications, conversation_history and conflicts (000_core).

-- person specification: one fact
-- values: specifications(id)
select * from public.specifications where id = $1;

-- person current_by_category: a project's facts in force on one topic, by key
-- values: specifications(project_id, category) where is_current
select id, key, value, content from public.specifications
where project_id = $1 and category = $2 and is_current = true
order by key;

-- person current_newest_first: a project's facts in force, newest first
-- values: specifications(project_id)
select id, category, key, value from public.specifications
where project_id = $1 and is_current = true
order by created_at desc limit 50;

-- person facts_newest_first: all facts of a project, newest first
-- values: specifications(project_id)
select id, category, key, value, is_current from public.specifications
where project_id = $1 order by created_at desc limit 50;

-- person wordings_of_a_key: all wordings one key has had in a project
-- values: specifications(project_id, key)
select id, value, is_current, created_at from public.specifications
where project_id = $1 and key = $2 order by created_at;

-- person facts_of_a_session: what came out of one session
-- values: specifications(session_id)
select id, category, key, value from public.specifications where session_id = $1;

-- person replaced_wordings: wordings a row has replaced
-- values: specifications(superseded_by)
select id, value, superseded_at from public.specifications where superseded_by = $1;

-- person facts_per_topic: how many facts in force a project has per topic
-- values: specifications(project_id)
select category, count(*) from public.specifications
where project_id = $1 and is_current = true group by category;

-- staff facts_on_a_topic: how many facts there are on one topic, over all projects
-- values: specifications(category)
select count(*) from public.specifications where category = $1;

-- staff facts_in_force_on_a_topic: the same, in force only
-- values: specifications(category)
select count(*) from public.specifications where is_current = true and category = $1;

-- staff all_facts: all facts, newest first
select id, project_id, category, key from public.specifications order by created_at desc limit 50;

-- person delete_specification: a fact goes; those it replaced forget it
-- values: specifications(superseded_by)
delete from public.specifications where id = $1;

-- person messages_in_order: a session's messages in order
-- values: conversation_history(session_id)
select role, content, created_at from public.conversation_history where session_id = $1 order by created_at;

-- person last_messages: the last messages of a session, as context for the next
-- values: conversation_history(session_id)
select role, content from public.conversation_history where session_id = $1 order by created_at desc limit 10;

-- person messages_of_one_side: what one side said in a session
-- values: conversation_history(session_id, role)
select count(*) from public.conversation_history where session_id = $1 and role = $2;

-- staff all_messages: all messages, newest first
select id, session_id, role, created_at from public.conversation_history order by created_at desc limit 50;

-- job messages_of_a_day: how many messages a day brought
select count(*) from public.conversation_history
where created_at >= '2025-06-01 00:00+00' and created_at < '2025-06-02 00:00+00';

-- person open_conflicts: a project's open conflicts, asked before code is generated
-- values: conflicts(project_id)
select id, type, severity, description from public.conflicts where project_id = $1 and status = 'OPEN';

-- person count_of_open_conflicts: whether any conflict of a project is open
-- values: conflicts(project_id)
select count(*) from public.conflicts where project_id = $1 and status = 'OPEN';

-- person conflicts_latest_first: a project's conflicts, latest finding first
-- values: conflicts(project_id)
select id, type, severity, status from public.conflicts where project_id = $1 order by detected_at desc limit 20;

-- staff conflicts_in_a_state: the latest conflicts in one state everywhere
-- values: conflicts(status)
select id, project_id, severity from public.conflicts where status = $1 order by detected_at desc limit 50;

-- staff grave_conflicts: grave conflicts that are still open
select id, project_id, description from public.conflicts
where severity = 'CRITICAL' and status = 'OPEN';

-- staff conflicts_of_a_nature: how many conflicts of one nature there are
select count(*) from public.conflicts where type = 'RESOURCE';

-- staff all_conflicts: all conflicts, latest finding first
select id, project_id, status from public.conflicts order by detected_at desc limit 50;

-- person conflicts_of_a_specification: conflicts that involve a given fact
-- values: specifications(id)
select id, status from public.conflicts where spec_ids @> jsonb_build_array($1::text);

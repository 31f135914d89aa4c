-- Queries on 006_activity.

-- person recent_activity: a project's feed, newest first
-- values: activity_logs(project_id)
select user_id, action_type, description, created_at from public.activity_logs
where project_id = $1 order by created_at desc limit 50;

-- person recent_activity_of_a_kind: one kind of action in a project's feed
-- values: activity_logs(project_id, action_type)
select user_id, description, created_at from public.activity_logs
where project_id = $1 and action_type = $2 order by created_at desc limit 50;

-- person activity_of_a_person: a person's actions, newest first
-- values: activity_logs(user_id)
select project_id, action_type, description from public.activity_logs
where user_id = $1 order by created_at desc limit 50;

-- person history_of_a_thing: what was done to one thing
-- values: activity_logs(entity_type, entity_id)
select user_id, action_type, created_at from public.activity_logs where entity_type = $1 and entity_id = $2;

-- staff activity_of_a_kind: one kind of action over all projects
-- values: activity_logs(action_type)
select project_id, user_id, created_at from public.activity_logs
where action_type = $1 order by created_at desc limit 50;

-- staff all_activity: all actions, newest first
select project_id, user_id, action_type from public.activity_logs order by created_at desc limit 50;

-- person open_offers_of_a_project: a project's open offers
-- values: project_invitations(project_id)
select id, invited_email, role from public.project_invitations
where project_id = $1 and status = 'PENDING';

-- person count_of_open_offers: how many offers of a project are open
-- values: project_invitations(project_id)
select count(*) from public.project_invitations where project_id = $1 and status = 'PENDING';

-- person offers_of_a_project: a project's offers, newest first
-- values: project_invitations(project_id)
select id, invited_email, status from public.project_invitations
where project_id = $1 order by created_at desc limit 20;

-- person offers_by_address: pending offers to a mail address, as it is written or in lower case
-- values: project_invitations(invited_email)
select id, project_id, role from public.project_invitations
where invited_email in ($1::text, lower($1::text)) and status = 'PENDING';

-- person all_offers_by_address: all offers to a mail address, newest first
-- values: project_invitations(invited_email)
select id, project_id, status from public.project_invitations
where invited_email = $1 order by created_at desc limit 20;

-- person offers_to_a_person: offers waiting for a known person
-- values: project_invitations(invited_user_id)
select id, project_id, role from public.project_invitations
where invited_user_id = $1 and status = 'PENDING';

-- person offers_sent: offers a person has sent
-- values: project_invitations(invited_by)
select id, project_id, invited_email, status from public.project_invitations where invited_by = $1;

-- job offers_that_lapse: open offers that have lapsed
select id, project_id from public.project_invitations
where status = 'PENDING' and expires_at < '2023-06-01 00:00+00';

-- staff all_offers: all offers, newest first
select id, project_id, status from public.project_invitations order by created_at desc limit 50;

-- Queries on 003_account_security.

-- person reset_by_token: the request behind the link in a mail
-- values: password_reset_requests(token)
select id, user_id, expires_at, used from public.password_reset_requests where token = $1;

-- person recent_resets: a person's requests of the last days, to slow down repeats
-- values: password_reset_requests(user_id)
select count(*) from public.password_reset_requests
where user_id = $1 and created_at > '2025-06-01 00:00+00';

-- job lapsed_resets: remove requests that lapsed long ago
delete from public.password_reset_requests where expires_at < '2023-01-20 00:00+00';

-- staff open_resets: requests never used
select id, user_id, created_at from public.password_reset_requests where used = false;

-- person events_of_an_account: an account's latest events
-- values: audit_logs(user_id)
select id, action, ip_address, timestamp from public.audit_logs
where user_id = $1 order by timestamp desc limit 50;

-- staff events_of_a_kind: the latest events of one kind
-- values: audit_logs(action)
select id, user_id, ip_address, timestamp from public.audit_logs
where action = $1 order by timestamp desc limit 50;

-- staff all_events: all events, newest first
select id, user_id, action, timestamp from public.audit_logs order by timestamp desc limit 100;

-- staff events_about_a_thing: events about one thing
-- values: audit_logs(resource_type, resource_id)
select id, user_id, action, timestamp from public.audit_logs where resource_type = $1 and resource_id = $2;

-- staff events_from_an_address: what came from one address
-- values: audit_logs(ip_address)
select count(*), max(timestamp) from public.audit_logs where ip_address = $1;

-- person rules_of_an_account: the rules quality control follows for a person
-- values: user_rules(user_id)
select rules from public.user_rules where user_id = $1;

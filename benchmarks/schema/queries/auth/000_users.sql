-- Queries on 000_users. Each begins with: who waits for it (person, staff, job), its name, what it is for;
-- then the table and columns its values come from: the most frequent value, and a few drawn by chance.

-- person sign_in_by_address: sign-in, however the address is typed
-- values: users(email)
select id, hashed_password, status, role from public.users where lower(email) = lower($1);

-- person sign_in_by_name: sign-in by user name
-- values: users(username)
select id, hashed_password, status, role from public.users where username = $1;

-- person address_taken: whether an address is used already, as it is written
-- values: users(email)
select exists (select from public.users where email = $1);

-- person account: the account behind a request
-- values: users(id)
select * from public.users where id = $1;

-- staff accounts_in_a_state: the newest accounts in one state
-- values: users(status)
select id, email, created_at from public.users where status = $1 order by created_at desc limit 50;

-- staff accounts_switched_off: accounts that may not log in
select id, email, username from public.users where is_active = false;

-- staff sign_ups_of_a_day: accounts made on one day
select id, email, created_at from public.users
where created_at >= '2025-06-01 00:00+00' and created_at < '2025-06-02 00:00+00'
order by created_at desc;

-- staff accounts_of_staff: who works here
-- values: users(role) where role <> 'user'
select id, email, username from public.users where role = $1 and status = 'active';

-- job accounts_not_seen: accounts to write to, not seen for long
select id, email, last_login_at from public.users
where last_login_at < '2023-06-01 00:00+00'
order by last_login_at limit 100;

-- person renew_by_token: the token a program presents to be renewed
-- values: refresh_tokens(token)
select id, user_id, expires_at, is_revoked from public.refresh_tokens where token = $1;

-- person live_tokens: a person's live tokens, longest-lived first
-- values: refresh_tokens(user_id)
select id, expires_at, created_at from public.refresh_tokens
where user_id = $1 and is_revoked = false and expires_at > '2025-12-25 00:00+00'
order by expires_at desc;

-- person withdraw_tokens: sign out everywhere
-- values: refresh_tokens(user_id)
update public.refresh_tokens set is_revoked = true, revoked_at = '2026-01-01 00:00+00'
where user_id = $1 and is_revoked = false;

-- job lapsed_tokens: remove tokens that lapsed before a date
delete from public.refresh_tokens where expires_at < '2023-02-15 00:00+00';

-- job withdrawn_tokens: withdrawn tokens old enough to go
select id from public.refresh_tokens
where is_revoked = true and revoked_at < '2023-04-01 00:00+00'
order by revoked_at limit 100;

-- person delete_account: an account goes, with its tokens, resets and rules; its events stay
-- values: refresh_tokens(user_id) where user_id not in (select admin_id from public.admin_audit_logs union select granted_by_id from public.admin_users)
delete from public.users where id = $1;

-- Rows of the auth database.

insert into public.users (
    id, email, hashed_password, name, surname, username, is_active, is_verified, status, role,
    last_login_at, created_at, updated_at,
    subscription_tier, stripe_customer_id, trial_ends_at, subscription_status
)
select
    pg_temp.uid('user', n),
    case when n % 20 <> 0 then pg_temp.mail(n) end,
    '$2b$12$' || md5(n::text) || md5('x' || n::text),
    'Name ' || n,
    'Surname ' || n % 5000,
    case when n % 20 = 0 or n % 2 = 0 then 'person' || n end,
    pg_temp.rnd(n, 1) < 0.96,
    pg_temp.rnd(n, 2) < 0.9,
    case when pg_temp.rnd(n, 3) < 0.92 then 'active' when pg_temp.rnd(n, 3) < 0.98 then 'inactive' else 'suspended' end,
    case when n % 300 = 1 then 'super_admin' when n % 70 = 2 then 'admin' else 'user' end,
    case
        when pg_temp.rnd(n, 4) < 0.85
        then pg_temp.moment(n, :users)
            + pg_temp.rnd(n, 5) * (timestamptz '2026-01-01 00:00:00+00' - pg_temp.moment(n, :users))
    end,
    pg_temp.moment(n, :users),
    pg_temp.moment(n, :users),
    pg_temp.one_of(n, 6, 4, '{free,pro,team,enterprise}'),
    case when pg_temp.rnd(n, 7) < 0.35 then 'cus_' || md5('customer' || n) end,
    case when pg_temp.rnd(n, 8) < 0.1 then pg_temp.moment(n, :users) + interval '14 days' end,
    case
        when pg_temp.rnd(n, 9) < 0.9 then 'active'
        else pg_temp.one_of(n, 10, 2, '{canceled,trialing,past_due,unpaid,paused,incomplete}')
    end
from generate_series(1, :users) as n;

insert into public.refresh_tokens (
    id, user_id, token, expires_at, is_revoked, revoked_at, created_at, updated_at
)
select
    pg_temp.uid('refresh_token', n),
    pg_temp.uid('user', pg_temp.pick(n, 1, :users, 2)),
    md5('token' || n) || md5('token/' || n),
    pg_temp.moment(n, :refresh_tokens) + interval '30 days',
    pg_temp.rnd(n, 2) < 0.3,
    case when pg_temp.rnd(n, 2) < 0.3 then pg_temp.moment(n, :refresh_tokens) + interval '3 days' end,
    pg_temp.moment(n, :refresh_tokens),
    pg_temp.moment(n, :refresh_tokens)
from generate_series(1, :refresh_tokens) as n;

insert into public.admin_roles (id, name, description, permissions, is_system_role, created_at, updated_at)
select
    pg_temp.uid('admin_role', n),
    'role_' || n,
    'Role number ' || n,
    jsonb_build_array('users.read', 'area_' || n || '.write'),
    n <= 4,
    pg_temp.moment(n, :admin_roles),
    pg_temp.moment(n, :admin_roles)
from generate_series(1, :admin_roles) as n;

-- Nobody holds the same role twice at a time: only the latest grant of each pair is in force.
insert into public.admin_users (
    id, user_id, role_id, granted_by_id, reason, revoked_at, created_at, updated_at
)
select
    pg_temp.uid('admin_user', n),
    pg_temp.uid('user', 1 + n / 4 % (:users / 10)),
    pg_temp.uid('admin_role', 1 + n % :admin_roles),
    pg_temp.uid('user', pg_temp.pick(n, 2, :users / 100, 2)),
    'Grant ' || n,
    case when n <= :admin_users * 0.9 then pg_temp.moment(n, :admin_users) + interval '60 days' end,
    pg_temp.moment(n, :admin_users),
    pg_temp.moment(n, :admin_users)
from generate_series(1, :admin_users) as n;

insert into public.admin_audit_logs (
    id, admin_id, action, resource_type, resource_id, details, ip_address, user_agent, created_at, updated_at
)
select
    pg_temp.uid('admin_audit_log', n),
    pg_temp.uid('user', pg_temp.pick(n, 1, :users / 100, 2)),
    case
        when n % 1000 = 7 then 'user_removed'
        else pg_temp.one_of(
            n, 2, 3, '{user_viewed,user_suspended,role_granted,role_revoked,tier_changed,refund_made,export_run}'
        )
    end,
    pg_temp.one_of(n, 3, 3, '{user,project,subscription,role}'),
    pg_temp.uid('user', pg_temp.pick(n, 4, :users, 2))::text,
    jsonb_build_object('reason', 'ticket ' || n),
    '10.0.' || n % 7 || '.' || n % 250,
    'Mozilla/5.0',
    pg_temp.moment(n, :admin_audit_logs),
    pg_temp.moment(n, :admin_audit_logs)
from generate_series(1, :admin_audit_logs) as n;

insert into public.password_reset_requests (id, user_id, token, expires_at, used, used_at, created_at)
select
    pg_temp.uid('reset', n),
    pg_temp.uid('user', pg_temp.pick(n, 1, :users, 1.5)),
    md5('reset' || n),
    pg_temp.moment(n, :password_reset_requests) + interval '1 hour',
    pg_temp.rnd(n, 2) < 0.97,
    case when pg_temp.rnd(n, 2) < 0.97 then pg_temp.moment(n, :password_reset_requests) + interval '5 minutes' end,
    pg_temp.moment(n, :password_reset_requests)
from generate_series(1, :password_reset_requests) as n;

insert into public.audit_logs (
    id, user_id, action, resource_type, resource_id, ip_address, user_agent, details, timestamp
)
select
    pg_temp.uid('audit_log', n),
    case when pg_temp.rnd(n, 1) < 0.95 then pg_temp.uid('user', pg_temp.pick(n, 2, :users, 2)) end,
    case
        when n % 1000 = 7 then 'user.deleted'
        else pg_temp.one_of(
            n, 3, 3, '{user.login,user.logout,user.login_failed,user.password_changed,user.email_changed}'
        )
    end,
    case when pg_temp.rnd(n, 4) < 0.3 then 'session' end,
    case when pg_temp.rnd(n, 4) < 0.3 then pg_temp.pick(n, 5, :audit_logs / 4, 1)::text end,
    case
        when pg_temp.rnd(n, 6) < 0.9
        then inet '10.0.0.0' + pg_temp.pick(n, 7, :users, 3)
    end,
    'Mozilla/5.0',
    jsonb_build_object('try', n % 3),
    pg_temp.moment(n, :audit_logs)
from generate_series(1, :audit_logs) as n;

insert into public.user_rules (id, user_id, rules, created_at, updated_at)
select
    pg_temp.uid('user_rule', n),
    pg_temp.uid('user', n),
    jsonb_build_object('strict', n % 2 = 0),
    pg_temp.moment(n, :user_rules),
    pg_temp.moment(n, :user_rules)
from generate_series(1, :user_rules) as n;

-- Queries on 001_admin.

-- staff role_by_code: one role by its code
-- values: admin_roles(name)
select id, permissions from public.admin_roles where name = $1;

-- person rights: what a person may do, asked at every request to the administration
-- values: admin_users(user_id)
select r.name, r.permissions
from public.admin_users as g
join public.admin_roles as r on r.id = g.role_id
where g.user_id = $1 and g.revoked_at is null;

-- staff grants_of_a_person: all grants a person ever had, withdrawn ones too
-- values: admin_users(user_id)
select id, role_id, created_at, revoked_at from public.admin_users where user_id = $1 order by revoked_at;

-- staff grant_in_force: whether a person holds a role now
-- values: admin_users(user_id, role_id) where revoked_at is null
select id from public.admin_users where user_id = $1 and role_id = $2 and revoked_at is null;

-- staff holders_of_a_role: who holds a role now
-- values: admin_users(role_id)
select user_id, created_at from public.admin_users where role_id = $1 and revoked_at is null;

-- staff number_of_holders: how many hold a role now
-- values: admin_users(role_id)
select count(*) from public.admin_users where role_id = $1 and revoked_at is null;

-- staff grants_by_an_administrator: grants one administrator has made
-- values: admin_users(granted_by_id)
select id, user_id, role_id, created_at from public.admin_users where granted_by_id = $1;

-- staff grants_in_force: all grants in force
select id, user_id, role_id from public.admin_users where revoked_at is null;

-- staff actions_of_an_administrator: what one administrator did lately
-- values: admin_audit_logs(admin_id)
select id, action, resource_type, resource_id, created_at from public.admin_audit_logs
where admin_id = $1 order by created_at desc limit 50;

-- staff actions_of_a_kind: the latest actions of one kind
-- values: admin_audit_logs(action)
select id, admin_id, resource_id, created_at from public.admin_audit_logs
where action = $1 order by created_at desc limit 50;

-- staff actions_on_a_thing: what was done to one thing
-- values: admin_audit_logs(resource_type, resource_id)
select id, admin_id, action, created_at from public.admin_audit_logs
where resource_type = $1 and resource_id = $2 order by created_at desc;

-- staff trail: the whole trail, newest first
select id, admin_id, action, created_at from public.admin_audit_logs order by created_at desc limit 50;

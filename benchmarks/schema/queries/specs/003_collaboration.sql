-- Queries on 003_collaboration.

-- person teams_of_a_founder: the teams a person founded, newest first
-- values: teams(created_by)
select id, name, created_at from public.teams where created_by = $1 order by created_at desc;

-- person team_by_name: a team by its name
-- values: teams(name)
select id, description, created_by from public.teams where name = $1;

-- staff all_teams: all teams, newest first
select id, name, created_at from public.teams order by created_at desc limit 50;

-- person delete_team: a team goes, with its members, offers and shares
-- values: team_members(team_id)
delete from public.teams where id = $1;

-- person members_of_a_team: a team's members in order of joining
-- values: team_members(team_id)
select user_id, role, joined_at from public.team_members where team_id = $1 order by joined_at limit 50;

-- person owners_of_a_team: who owns a team
-- values: team_members(team_id)
select user_id from public.team_members where team_id = $1 and role = 'owner';

-- person belongs_to_team: whether someone belongs to a team
-- values: team_members(team_id, user_id)
select role from public.team_members where team_id = $1 and user_id = $2;

-- person teams_of_a_person: the teams a person belongs to
-- values: team_members(user_id)
select m.team_id, m.role, t.name
from public.team_members as m
join public.teams as t on t.id = m.team_id
where m.user_id = $1;

-- staff members_in_a_capacity: how many members act in one capacity over all teams
-- values: team_members(role)
select count(*) from public.team_members where role = $1;

-- person team_offer_by_token: the offer behind the link in a mail
-- values: team_invitations(token)
select id, team_id, role, expires_at, accepted from public.team_invitations where token = $1;

-- person team_offers_by_address: pending offers to a mail address, as it is written or in lower case
-- values: team_invitations(invited_email)
select id, team_id, role, expires_at from public.team_invitations
where invited_email in ($1::text, lower($1::text)) and accepted = false;

-- person offers_of_a_team: a team's offers, newest first
-- values: team_invitations(team_id)
select id, invited_email, accepted from public.team_invitations
where team_id = $1 order by created_at desc limit 20;

-- person team_offers_sent: offers a person has sent
-- values: team_invitations(invited_by)
select id, team_id, invited_email, accepted from public.team_invitations where invited_by = $1;

-- job lapsed_team_offers: open offers that lapsed
select id, team_id from public.team_invitations
where accepted = false and expires_at < '2023-06-01 00:00+00' order by expires_at limit 100;

-- person shares_of_a_project: a project's shares, newest first
-- values: project_shares(project_id)
select team_id, permission_level, shared_at from public.project_shares
where project_id = $1 order by shared_at desc;

-- person rights_of_a_team: what a team may do in a project
-- values: project_shares(project_id, team_id)
select permission_level from public.project_shares where project_id = $1 and team_id = $2;

-- person projects_a_team_may_change: projects a team may change
-- values: project_shares(team_id)
select project_id from public.project_shares where team_id = $1 and permission_level = 'write';

-- person projects_open_to_a_team: projects open to a team, newest first
-- values: project_shares(team_id)
select project_id, permission_level, shared_at from public.project_shares
where team_id = $1 order by shared_at desc limit 20;

-- staff shares_given: shares a person has given
-- values: project_shares(shared_by)
select project_id, team_id, permission_level from public.project_shares where shared_by = $1;

-- staff shares_of_a_strength: how many shares of one strength there are
-- values: project_shares(permission_level)
select count(*) from public.project_shares where permission_level = $1;

-- person rights_of_a_person: what someone may do in a project, asked at every request
-- values: project_collaborators(project_id, user_id)
select role from public.project_collaborators where project_id = $1 and user_id = $2;

-- person people_of_a_project: a project's people by what they may do
-- values: project_collaborators(project_id)
select user_id, role from public.project_collaborators where project_id = $1 and role = 'editor';

-- person projects_open_to_a_person: projects open to a person
-- values: project_collaborators(user_id)
select project_id, role from public.project_collaborators where user_id = $1 order by role;

-- staff grants_of_a_strength: how many grants of one strength there are
-- values: project_collaborators(role)
select count(*) from public.project_collaborators where role = $1;

-- staff grants_made: grants a person has made
-- values: project_collaborators(added_by)
select project_id, user_id, role from public.project_collaborators where added_by = $1;

-- person transfers_of_a_project: a project's transfers, newest first
-- values: project_ownership_history(project_id)
select from_user_id, to_user_id, created_at from public.project_ownership_history
where project_id = $1 order by created_at desc;

-- staff projects_given_up: projects a person has given up
-- values: project_ownership_history(from_user_id)
select project_id, created_at from public.project_ownership_history where from_user_id = $1;

-- staff projects_received: projects a person has received
-- values: project_ownership_history(to_user_id)
select project_id, created_at from public.project_ownership_history where to_user_id = $1;

-- staff transfers_carried_out: transfers a person has carried out
-- values: project_ownership_history(transferred_by)
select project_id, to_user_id, created_at from public.project_ownership_history where transferred_by = $1;

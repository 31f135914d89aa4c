-- Rows of 002_tracking_analytics and 003_collaboration: what was learned, and who works together.

insert into public.quality_metrics (
    id, project_id, metric_type, metric_value, threshold, passed, details, metadata, calculated_at, created_at
)
select
    pg_temp.uid('quality', n),
    pg_temp.uid('project', pg_temp.pick(n, 1, :projects, 3)),
    case
        when n % 1000 = 7 then 'readability'
        else pg_temp.one_of(n, 2, 2, '{coverage,bias,completeness,consistency,traceability}')
    end,
    round((100 * pg_temp.rnd(n, 3))::numeric, 2),
    60,
    pg_temp.rnd(n, 3) >= 0.1,
    jsonb_build_object('sample', n % 50),
    '{}'::jsonb,
    pg_temp.moment(n, :quality_metrics),
    pg_temp.moment(n, :quality_metrics)
from generate_series(1, :quality_metrics) as n;

insert into public.user_behavior_patterns (
    id, user_id, pattern_type, pattern_data, confidence, learned_from_projects, metadata, learned_at,
    created_at, updated_at
)
select
    pg_temp.uid('pattern', n),
    pg_temp.uid('user', 1 + n % :users),
    pg_temp.one_of(n, 1, 2, '{detail_level,pace,vocabulary,answer_length,topics,hours}'),
    jsonb_build_object('level', n % 5),
    round(pg_temp.rnd(n, 2)::numeric, 2),
    jsonb_build_array(pg_temp.uid('project', pg_temp.pick(n, 3, :projects, 3))),
    '{}'::jsonb,
    pg_temp.moment(n, :user_behavior_patterns),
    pg_temp.moment(n, :user_behavior_patterns),
    pg_temp.moment(n, :user_behavior_patterns)
from generate_series(1, :user_behavior_patterns) as n;

insert into public.question_effectiveness (
    id, user_id, question_template_id, role, times_asked, times_answered_well, average_answer_length,
    average_spec_extraction_count, effectiveness_score, metadata, last_asked_at, created_at, updated_at
)
select
    pg_temp.uid('effectiveness', n),
    pg_temp.uid('user', 1 + n % :users),
    'template_' || (n / :users * 31 + n) % 400,
    pg_temp.one_of(n, 2, 3, '{developer,analyst,manager,designer,owner}'),
    20, 12, 140, 1.5,
    round(pg_temp.rnd(n, 3)::numeric, 2),
    '{}'::jsonb,
    pg_temp.moment(n, :question_effectiveness),
    pg_temp.moment(n, :question_effectiveness),
    pg_temp.moment(n, :question_effectiveness)
from generate_series(1, :question_effectiveness) as n;

insert into public.knowledge_base_documents (
    id, project_id, user_id, filename, file_size, content_type, content, metadata, uploaded_at, created_at,
    updated_at
)
select
    pg_temp.uid('document', n),
    pg_temp.uid('project', p),
    pg_temp.uid('user', case when n % 4 = 0 then pg_temp.pick(n, 2, :users, 2) else pg_temp.owner_of(p) end),
    'document_' || n || '.pdf',
    pg_temp.pick(n, 3, 5000000, 2)::integer,
    pg_temp.one_of(n, 4, 2, '{application/pdf,text/markdown,text/plain}'),
    pg_temp.words(n, 5, 30),
    '{}'::jsonb,
    pg_temp.moment(n, :knowledge_base_documents),
    pg_temp.moment(n, :knowledge_base_documents),
    pg_temp.moment(n, :knowledge_base_documents)
from
    generate_series(1, :knowledge_base_documents) as n,
    lateral (select pg_temp.pick(n, 1, :projects, 3) as p) as row_of;

insert into public.teams (id, name, description, created_by, metadata, created_at, updated_at)
select
    pg_temp.uid('team', n),
    case when n % 20 = 0 then 'Backend' else 'Team ' || n end,
    pg_temp.words(n, 1, 4),
    pg_temp.uid('user', pg_temp.pick(n, 2, :users, 2)),
    '{}'::jsonb,
    pg_temp.moment(n, :teams),
    pg_temp.moment(n, :teams)
from generate_series(1, :teams) as n;

-- Half of all members are spread evenly, the other half sits in one team of twenty.
insert into public.team_members (id, team_id, user_id, role, metadata, joined_at, created_at, updated_at)
select
    pg_temp.uid('member', n),
    pg_temp.uid('team', 1 + case when n % 2 = 0 then n / 2 % (:teams / 20) else n % :teams end),
    pg_temp.uid('user', 1 + (n * 7919) % :users),
    pg_temp.one_of(n, 1, 3, '{developer,viewer,lead,owner}'),
    '{}'::jsonb,
    pg_temp.moment(n, :team_members),
    pg_temp.moment(n, :team_members),
    pg_temp.moment(n, :team_members)
from generate_series(1, :team_members) as n
on conflict (team_id, user_id) do nothing;

insert into public.team_invitations (
    id, team_id, invited_by, invited_email, role, token, expires_at, accepted, accepted_at, created_at
)
select
    pg_temp.uid('team_invitation', n),
    pg_temp.uid('team', pg_temp.pick(n, 1, :teams, 2)),
    pg_temp.uid('user', pg_temp.pick(n, 2, :users, 2)),
    pg_temp.mail(pg_temp.pick(n, 3, 2 * :users, 2)),
    pg_temp.one_of(n, 4, 2, '{developer,viewer,lead}'),
    md5('team_invitation' || n),
    pg_temp.moment(n, :team_invitations) + interval '14 days',
    pg_temp.rnd(n, 5) < 0.9,
    case when pg_temp.rnd(n, 5) < 0.9 then pg_temp.moment(n, :team_invitations) + interval '1 day' end,
    pg_temp.moment(n, :team_invitations)
from generate_series(1, :team_invitations) as n;

insert into public.project_shares (
    id, project_id, team_id, shared_by, permission_level, metadata, shared_at, created_at, updated_at
)
select
    pg_temp.uid('share', n),
    pg_temp.uid('project', p),
    pg_temp.uid('team', pg_temp.pick(n, 2, :teams, 2)),
    pg_temp.uid('user', pg_temp.owner_of(p)),
    pg_temp.one_of(n, 3, 3, '{read,write,admin}'),
    '{}'::jsonb,
    pg_temp.moment(n, :project_shares),
    pg_temp.moment(n, :project_shares),
    pg_temp.moment(n, :project_shares)
from
    generate_series(1, :project_shares) as n,
    lateral (select pg_temp.pick(n, 1, :projects, 2) as p) as row_of
on conflict (project_id, team_id) do nothing;

insert into public.project_collaborators (id, project_id, user_id, role, added_by, created_at, updated_at)
select
    pg_temp.uid('collaborator', n),
    pg_temp.uid('project', p),
    pg_temp.uid('user', pg_temp.pick(n, 2, :users, 2)),
    pg_temp.one_of(n, 3, 4, '{editor,viewer,owner}'),
    pg_temp.uid('user', pg_temp.owner_of(p)),
    pg_temp.moment(n, :project_collaborators),
    pg_temp.moment(n, :project_collaborators)
from
    generate_series(1, :project_collaborators) as n,
    lateral (select pg_temp.pick(n, 1, :projects, 2) as p) as row_of
on conflict (project_id, user_id) do nothing;

insert into public.project_ownership_history (
    id, project_id, from_user_id, to_user_id, transferred_by, reason, created_at, updated_at
)
select
    pg_temp.uid('transfer', n),
    pg_temp.uid('project', pg_temp.pick(n, 1, :projects, 1)),
    case when n % 3 <> 0 then pg_temp.uid('user', pg_temp.pick(n, 2, :users, 2)) end,
    pg_temp.uid('user', pg_temp.pick(n, 3, :users, 2)),
    pg_temp.uid('user', pg_temp.pick(n, 4, :users, 2)),
    'left the company',
    pg_temp.moment(n, :project_ownership_history),
    pg_temp.moment(n, :project_ownership_history)
from generate_series(1, :project_ownership_history) as n;

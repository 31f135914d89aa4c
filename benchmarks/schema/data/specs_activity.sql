-- Rows of 006_activity and 007_quality_tracking, and the vectors of 008_pgvector.

insert into public.activity_logs (
    id, project_id, user_id, action_type, entity_type, entity_id, description, action_metadata, created_at,
    updated_at
)
select
    pg_temp.uid('activity', n),
    pg_temp.uid('project', p),
    pg_temp.uid('user', case when n % 5 = 0 then pg_temp.pick(n, 2, :users, 2) else pg_temp.owner_of(p) end),
    case
        when n % 1000 = 7 then 'project_exported'
        else pg_temp.one_of(
            n, 3, 2, '{spec_created,message_sent,spec_updated,session_started,file_uploaded,share_added}'
        )
    end,
    pg_temp.one_of(n, 4, 3, '{specification,session,document,project}'),
    pg_temp.uid('specification', pg_temp.pick(n, 5, :specifications, 1)),
    'Did thing ' || n,
    jsonb_build_object('before', n % 10),
    pg_temp.moment(n, :activity_logs),
    pg_temp.moment(n, :activity_logs)
from
    generate_series(1, :activity_logs) as n,
    lateral (select pg_temp.pick(n, 1, :projects, 3) as p) as row_of;

insert into public.project_invitations (
    id, project_id, invited_by, invited_email, invited_user_id, role, status, message, expires_at,
    accepted_at, metadata, created_at, updated_at
)
select
    pg_temp.uid('project_invitation', n),
    pg_temp.uid('project', p),
    pg_temp.uid('user', pg_temp.owner_of(p)),
    pg_temp.mail(guest),
    case when guest <= :users and n % 2 = 0 then pg_temp.uid('user', guest) end,
    pg_temp.one_of(n, 3, 2, '{editor,viewer,owner}'),
    pg_temp.one_of(n, 4, 4, '{ACCEPTED,EXPIRED,PENDING,DECLINED,REVOKED}'),
    pg_temp.words(n, 5, 3),
    pg_temp.moment(n, :project_invitations) + interval '14 days',
    null,
    '{}'::jsonb,
    pg_temp.moment(n, :project_invitations),
    pg_temp.moment(n, :project_invitations)
from
    generate_series(1, :project_invitations) as n,
    lateral (
        select pg_temp.pick(n, 1, :projects, 2) as p, pg_temp.pick(n, 2, 2 * :users, 2) as guest
    ) as row_of;

insert into public.maturity_tracking (id, project_id, category, score, details, calculated_at)
select
    pg_temp.uid('mark', n),
    pg_temp.uid('project', pg_temp.pick(n, 1, :projects, 3)),
    pg_temp.one_of(n, 2, 2, '{goals,requirements,tech_stack,scalability,security,team,timeline,deployment}'),
    floor(101 * pg_temp.rnd(n, 3))::integer,
    '{}'::jsonb,
    pg_temp.moment(n, :maturity_tracking)
from generate_series(1, :maturity_tracking) as n;

insert into public.test_results (
    id, project_id, test_type, technology_stack, test_status, results, started_at, completed_at
)
select
    pg_temp.uid('trial', n),
    pg_temp.uid('project', pg_temp.pick(n, 1, :projects, 3)),
    pg_temp.one_of(n, 2, 2, '{compatibility,performance,security}'),
    jsonb_build_object('database', 'postgresql', 'language', 'python'),
    case
        when n > 0.99 * :test_results then pg_temp.one_of(n, 3, 1, '{pending,running}')
        else pg_temp.one_of(n, 3, 4, '{passed,failed}')
    end,
    '{}'::jsonb,
    pg_temp.moment(n, :test_results),
    pg_temp.moment(n, :test_results) + interval '3 minutes'
from generate_series(1, :test_results) as n;

-- One piece in fifty and one document in five carries a vector: they are large and slow to index.
-- updated_at is given, since the trigger would put the present time there.
update public.document_chunks as c
set embedding_vec = v.vector::vector, updated_at = updated_at + interval '1 second'
from (
    select
        pg_temp.uid('chunk', d * 1000 + 1) as id,
        (select array_agg(pg_temp.rnd(d * 1536 + i, 70)::real) from generate_series(1, 1536) as i) as vector
    from generate_series(1, :knowledge_base_documents, 5) as d
) as v
where c.id = v.id;

update public.knowledge_base_documents as k
set embedding_vec = v.vector::vector, updated_at = updated_at + interval '1 second'
from (
    select
        pg_temp.uid('document', d) as id,
        (select array_agg(pg_temp.rnd(d * 384 + i, 71)::real) from generate_series(1, 384) as i) as vector
    from generate_series(1, :knowledge_base_documents, 5) as d
) as v
where k.id = v.id;

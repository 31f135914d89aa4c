-- Rows of 000_core and 001_generated_content: projects and everything said and settled in them.

insert into public.projects (
    id, user_id, owner_id, name, description, current_phase, maturity_score, status, metadata,
    archived_at, created_at, updated_at
)
select
    pg_temp.uid('project', n),
    pg_temp.uid('user', pg_temp.owner_of(n)),
    case when n % 25 = 0 then pg_temp.uid('user', pg_temp.pick(n, 1, :users, 2)) end,
    'Project ' || n,
    pg_temp.words(n, 2, 8),
    pg_temp.one_of(n, 3, 4, '{discovery,analysis,design,implementation}'),
    floor(100 * power(pg_temp.rnd(n, 4), 2))::integer,
    case when pg_temp.rnd(n, 5) < 0.8 then 'active' when pg_temp.rnd(n, 5) < 0.95 then 'archived' else 'completed' end,
    jsonb_build_object('colour', n % 12),
    case when pg_temp.rnd(n, 5) between 0.8 and 0.95 then pg_temp.moment(n, :projects) + interval '90 days' end,
    pg_temp.moment(n, :projects),
    pg_temp.moment(n, :projects)
from generate_series(1, :projects) as n;

insert into public.sessions (
    id, project_id, mode, status, domain, metadata, started_at, ended_at, created_at, updated_at
)
select
    pg_temp.uid('session', n),
    pg_temp.uid('project', pg_temp.project_of(n)),
    case when pg_temp.rnd(n, 1) < 0.93 then 'socratic' else 'direct_chat' end,
    case
        when n > 0.99 * :sessions then 'active'
        else pg_temp.one_of(n, 2, 4, '{completed,archived,paused}')
    end,
    pg_temp.one_of(n, 3, 2, '{architecture,security,data,testing,interface}'),
    '{}'::jsonb,
    pg_temp.moment(n, :sessions),
    pg_temp.moment(n, :sessions) + interval '40 minutes',
    pg_temp.moment(n, :sessions),
    pg_temp.moment(n, :sessions)
from generate_series(1, :sessions) as n;

-- Two questions at least per session, asked one after the other.
insert into public.questions (
    id, project_id, session_id, text, category, context, quality_score, metadata, created_at, updated_at
)
select
    pg_temp.uid('question', s * 1000 + m),
    pg_temp.uid('project', pg_temp.project_of(s)),
    pg_temp.uid('session', s),
    pg_temp.words(s * 1000 + m, 1, 5),
    pg_temp.one_of(s * 1000 + m, 2, 2, '{goals,requirements,tech_stack,scalability,security,team,timeline,deployment}'),
    pg_temp.words(s * 1000 + m, 3, 4),
    round(pg_temp.rnd(s * 1000 + m, 4)::numeric, 2),
    '{}'::jsonb,
    pg_temp.moment(s, :sessions) + m * interval '2 minutes',
    pg_temp.moment(s, :sessions) + m * interval '2 minutes'
from generate_series(1, :sessions) as s, generate_series(1, pg_temp.many(s, 50, 1)) as m
order by s, m;

-- Facts come by fours out of one session. In three of ten such groups they are wordings of the same
-- fact, each replaced by the next.
insert into public.specifications (
    id, project_id, session_id, category, key, value, content, source, confidence, is_current, metadata,
    spec_metadata, superseded_at, superseded_by, created_at, updated_at
)
select
    pg_temp.uid('specification', n),
    pg_temp.uid('project', pg_temp.project_of(s)),
    case when n % 10 <> 9 then pg_temp.uid('session', s) end,
    pg_temp.one_of(four, 3, 2, '{goals,requirements,tech_stack,scalability,security,team,timeline,deployment,ui,data}'),
    case when reworded then 'key_' || four % 1000 else 'key_' || n % 1000 end,
    pg_temp.words(n, 4, 4),
    case when n % 3 = 0 then pg_temp.words(n, 5, 8) end,
    pg_temp.one_of(n, 6, 3, '{extracted,user_input,template,inferred}'),
    round(pg_temp.rnd(n, 7)::numeric, 2),
    not replaced,
    jsonb_build_object('priority', n % 5),
    jsonb_build_object('question', n / 2),
    case when replaced then pg_temp.moment(n + 1, :specifications) end,
    case when replaced then pg_temp.uid('specification', n + 1) end,
    pg_temp.moment(n, :specifications),
    pg_temp.moment(n, :specifications)
from
    generate_series(1, :specifications) as n,
    lateral (select n / 4 as four, pg_temp.rnd(n / 4, 1) < 0.3 as reworded) as group_of,
    lateral (
        select
            pg_temp.pick(four, 2, :sessions, 1.5) as s,
            reworded and n % 4 < 3 and n < :specifications as replaced
    ) as row_of;

insert into public.conversation_history (
    id, session_id, role, content, message_type, tokens_used, metadata, created_at
)
select
    pg_temp.uid('message', s * 1000 + m),
    pg_temp.uid('session', s),
    case when m = 1 then 'system' when m % 2 = 0 then 'assistant' else 'user' end,
    pg_temp.words(s * 1000 + m, 1, 12),
    case when m % 2 = 0 then 'question' else 'answer' end,
    pg_temp.pick(s * 1000 + m, 2, 2000, 2)::integer,
    '{}'::jsonb,
    pg_temp.moment(s, :sessions) + m * interval '40 seconds'
from generate_series(1, :sessions) as s, generate_series(1, pg_temp.many(s, 51, 3.9)) as m
order by s, m;

insert into public.conflicts (
    id, project_id, type, description, spec_ids, severity, status, resolution, detected_at, resolved_at,
    resolved_by_user, metadata, created_at, updated_at
)
select
    pg_temp.uid('conflict', n),
    pg_temp.uid('project', pg_temp.pick(n, 1, :projects, 3)),
    pg_temp.one_of(n, 2, 3, '{TECHNOLOGY,REQUIREMENT,TIMELINE,RESOURCE}'),
    pg_temp.words(n, 3, 6),
    jsonb_build_array(
        pg_temp.uid('specification', pg_temp.pick(n, 4, :specifications, 1)),
        pg_temp.uid('specification', pg_temp.pick(n, 5, :specifications, 1))
    ),
    pg_temp.one_of(n, 6, 2, '{LOW,MEDIUM,HIGH,CRITICAL}'),
    pg_temp.one_of(n, 7, 4, '{RESOLVED,IGNORED,OPEN}'),
    pg_temp.words(n, 8, 3),
    pg_temp.moment(n, :conflicts),
    pg_temp.moment(n, :conflicts) + interval '2 days',
    n % 2 = 0,
    '{}'::jsonb,
    pg_temp.moment(n, :conflicts),
    pg_temp.moment(n, :conflicts)
from generate_series(1, :conflicts) as n;

-- Runs are numbered within their project. Most have had one; half of all runs are of one project in 40.
insert into public.generated_projects (
    id, project_id, generation_version, total_files, total_lines, test_coverage, quality_score,
    traceability_score, generation_started_at, generation_completed_at, generation_status, metadata,
    created_at, updated_at
)
select
    pg_temp.uid('run', n),
    pg_temp.uid('project', 1 + p),
    1 + earlier,
    20, 2000, 80, 75, 70,
    pg_temp.moment(n, :generated_projects),
    case when n % 10 <> 0 then pg_temp.moment(n, :generated_projects) + interval '4 minutes' end,
    case
        when n > 0.99 * :generated_projects then pg_temp.one_of(n, 2, 1, '{PENDING,IN_PROGRESS}')
        else pg_temp.one_of(n, 2, 4, '{COMPLETED,FAILED}')
    end,
    '{}'::jsonb,
    pg_temp.moment(n, :generated_projects),
    pg_temp.moment(n, :generated_projects)
from
    generate_series(1, :generated_projects) as n,
    lateral (
        select
            case when n % 2 = 0 then n / 2 % (:projects / 40) else n % :projects end as p,
            case when n % 2 = 0 then 10 + n / 2 / (:projects / 40) else n / :projects end as earlier
    ) as row_of;

insert into public.generated_files (
    id, generated_project_id, file_path, file_content, file_size, spec_ids, metadata, created_at, updated_at
)
select
    pg_temp.uid('file', n),
    pg_temp.uid('run', 1 + n / 8 % :generated_projects),
    'src/' || pg_temp.one_of(n, 1, 2, '{api,models,services,tests,web}') || '/module_' || n % 400 || '.py',
    pg_temp.words(n, 2, 40),
    pg_temp.pick(n, 3, 20000, 2)::integer,
    jsonb_build_array(
        pg_temp.uid('specification', pg_temp.pick(n, 4, :specifications, 1)),
        pg_temp.uid('specification', pg_temp.pick(n, 5, :specifications, 1))
    ),
    '{}'::jsonb,
    pg_temp.moment(n, :generated_files),
    pg_temp.moment(n, :generated_files)
from generate_series(1, :generated_files) as n;

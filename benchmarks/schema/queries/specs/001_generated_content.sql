-- Queries on 001_generated_content.

-- person run: one run
-- values: generated_projects(id)
select * from public.generated_projects where id = $1;

-- person latest_run: the latest run of a project
-- values: generated_projects(project_id)
select id, generation_version, generation_status from public.generated_projects
where project_id = $1 order by generation_version desc limit 1;

-- person runs_in_a_state: a project's runs that were completed
-- values: generated_projects(project_id)
select id, generation_version from public.generated_projects
where project_id = $1 and generation_status = 'COMPLETED';

-- job waiting_runs: runs that wait, longest first
select id, project_id, generation_started_at from public.generated_projects
where generation_status = 'PENDING' order by generation_started_at limit 50;

-- staff runs_by_start: all runs by start
select id, project_id, generation_status from public.generated_projects
order by generation_started_at desc limit 50;

-- staff runs_finished_lately: runs finished within a day
select id, project_id, total_files from public.generated_projects
where generation_completed_at > '2025-12-31 00:00+00';

-- person tree_of_a_run: the tree of one run
-- values: generated_files(generated_project_id)
select id, file_path, file_size from public.generated_files where generated_project_id = $1 order by file_path;

-- person file_of_a_run: one file of a run
-- values: generated_files(generated_project_id, file_path)
select id, file_content from public.generated_files where generated_project_id = $1 and file_path = $2;

-- staff file_over_runs: the same file over several runs
-- values: generated_files(file_path)
select id, generated_project_id, file_size from public.generated_files where file_path = $1;

-- person files_of_a_specification: files that trace back to a given fact
-- values: specifications(id)
select id, file_path from public.generated_files where spec_ids @> jsonb_build_array($1::text);

-- person delete_run: a run goes, with its files
-- values: generated_files(generated_project_id)
delete from public.generated_projects where id = $1;

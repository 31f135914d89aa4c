-- Queries on 007_quality_tracking.

-- person marks_of_a_project: a project's latest marks
-- values: maturity_tracking(project_id)
select category, score, calculated_at from public.maturity_tracking
where project_id = $1 order by calculated_at desc limit 20;

-- person history_of_a_category: history of one topic in a project
-- values: maturity_tracking(project_id, category)
select score, calculated_at from public.maturity_tracking
where project_id = $1 and category = $2 order by calculated_at desc limit 50;

-- staff weakest_projects: the projects that are weakest on one topic
-- values: maturity_tracking(category)
select project_id, score from public.maturity_tracking where category = $1 order by score limit 50;

-- staff all_marks: all marks, newest first
select project_id, category, score from public.maturity_tracking order by calculated_at desc limit 50;

-- person trials_of_a_project: a project's latest trials
-- values: test_results(project_id)
select id, test_type, test_status from public.test_results
where project_id = $1 order by started_at desc limit 20;

-- person failed_trials: a project's failed trials
-- values: test_results(project_id)
select id, test_type, error_message from public.test_results where project_id = $1 and test_status = 'failed';

-- job waiting_trials: trials that wait, longest first
select id, project_id, started_at from public.test_results
where test_status = 'pending' order by started_at limit 50;

-- staff all_trials: all trials, latest first
select id, project_id, test_status from public.test_results order by started_at desc limit 50;

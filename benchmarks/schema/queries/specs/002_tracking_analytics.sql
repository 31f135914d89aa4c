-- Queries on 002_tracking_analytics.

-- person measurements_newest_first: a project's latest measurements
-- values: quality_metrics(project_id)
select metric_type, metric_value, passed from public.quality_metrics
where project_id = $1 order by calculated_at desc limit 20;

-- person history_of_a_measurement: history of one measurement in a project
-- values: quality_metrics(project_id, metric_type)
select metric_value, calculated_at from public.quality_metrics
where project_id = $1 and metric_type = $2 order by calculated_at desc limit 50;

-- person failed_checks: a project's failed checks
-- values: quality_metrics(project_id)
select id, metric_type, metric_value from public.quality_metrics where project_id = $1 and passed = false;

-- staff measurement_everywhere: the latest values of one measurement over all projects
-- values: quality_metrics(metric_type)
select project_id, metric_value from public.quality_metrics
where metric_type = $1 order by calculated_at desc limit 50;

-- staff all_measurements: all measurements, newest first
select project_id, metric_type, metric_value from public.quality_metrics order by calculated_at desc limit 50;

-- person habit_of_a_person: one habit of a person
-- values: user_behavior_patterns(user_id, pattern_type)
select pattern_data, confidence from public.user_behavior_patterns where user_id = $1 and pattern_type = $2;

-- staff habit_everywhere: one habit over all people, best supported first
-- values: user_behavior_patterns(pattern_type)
select user_id, pattern_data, confidence from public.user_behavior_patterns
where pattern_type = $1 order by confidence desc limit 50;

-- staff best_supported_habits: the best supported habits of all
select user_id, pattern_type, confidence from public.user_behavior_patterns order by confidence desc limit 50;

-- person record_of_a_question: the record to update after an answer
-- values: question_effectiveness(user_id, question_template_id)
select * from public.question_effectiveness where user_id = $1 and question_template_id = $2;

-- person best_questions_for_a_person: the questions that work best with a person
-- values: question_effectiveness(user_id)
select question_template_id, effectiveness_score from public.question_effectiveness
where user_id = $1 and effectiveness_score is not null order by effectiveness_score desc limit 5;

-- staff figures_of_a_template: figures of one template over all people
-- values: question_effectiveness(question_template_id)
select count(*), avg(effectiveness_score) from public.question_effectiveness where question_template_id = $1;

-- staff best_questions_for_a_part: the questions that work best for one part
-- values: question_effectiveness(role)
select question_template_id, effectiveness_score from public.question_effectiveness
where role = $1 and effectiveness_score is not null order by effectiveness_score desc limit 20;

-- staff best_questions: the questions that work best of all
select question_template_id, effectiveness_score from public.question_effectiveness
where effectiveness_score is not null order by effectiveness_score desc limit 20;

-- person documents_of_a_project: a project's documents, newest first
-- values: knowledge_base_documents(project_id)
select id, filename, file_size from public.knowledge_base_documents
where project_id = $1 order by uploaded_at desc limit 20;

-- person uploads_to_a_project: what one person uploaded to a project
-- values: knowledge_base_documents(project_id, user_id)
select id, filename from public.knowledge_base_documents where project_id = $1 and user_id = $2;

-- person documents_of_a_person: a person's documents, newest first
-- values: knowledge_base_documents(user_id)
select id, filename, project_id from public.knowledge_base_documents
where user_id = $1 order by uploaded_at desc limit 20;

-- staff all_documents: all documents, newest first
select id, filename, project_id from public.knowledge_base_documents order by uploaded_at desc limit 50;

-- person delete_document: a document goes, with its pieces
-- values: document_chunks(document_id)
delete from public.knowledge_base_documents where id = $1;

-- runner: requires-extension nowhere_to_be_found
select 1;

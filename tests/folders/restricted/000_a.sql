-- dumped
\restrict kD1
select 1;
\unrestrict kD1

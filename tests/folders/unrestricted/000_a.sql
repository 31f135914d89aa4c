select 1;
\unrestrict kD1

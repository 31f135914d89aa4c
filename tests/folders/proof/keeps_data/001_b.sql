update public.a set n = 9 where n = 7;

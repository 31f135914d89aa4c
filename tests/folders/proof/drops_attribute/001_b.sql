alter type public.address drop attribute if exists zip;

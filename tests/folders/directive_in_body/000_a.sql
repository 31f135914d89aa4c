do $$
begin
    -- runner: requires-extension vector
end;
$$;

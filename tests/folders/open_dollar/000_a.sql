do $body$
begin
end;
$$;

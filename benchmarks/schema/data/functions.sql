-- Functions the other files of this folder draw from. They live in the session only.
-- A word after a colon (:users, :seed) is a number that the generator puts in, as psql -v would.
-- Nothing here is random: every value follows from the row's number, a salt per column, and :seed.

create function pg_temp.uid(kind text, n bigint) returns uuid
language sql stable
return md5(kind || ':' || n::text)::uuid;

-- A number from 0 up to 1.
create function pg_temp.rnd(n bigint, salt bigint) returns double precision
language sql stable
return (hashint8extended(n, salt * 1000003 + :seed) & 9007199254740991)::double precision / 9007199254740992;

-- A number from 1 to among; the larger skew, the more often a small one. With skew 3 the first of
-- 20,000 is drawn 3.7 times in 100, the first hundredth of them 21 times.
create function pg_temp.pick(n bigint, salt bigint, among bigint, skew double precision) returns bigint
language sql stable
return 1 + floor(among * power(pg_temp.rnd(n, salt), skew))::bigint;

create function pg_temp.one_of(n bigint, salt bigint, skew double precision, choices text[]) returns text
language sql stable
return choices[pg_temp.pick(n, salt, cardinality(choices), skew)];

-- Three years up to 2026-01-01, more crowded towards the end. The tables grow in this order.
create function pg_temp.moment(n bigint, among bigint) returns timestamptz
language sql stable
return timestamptz '2023-01-01 00:00:00+00' + power(n::double precision / among, 0.7) * interval '1096 days';

create function pg_temp.words(n bigint, salt bigint, most bigint) returns text
language sql stable
return repeat(md5(n::text || '/' || salt::text) || ' ', pg_temp.pick(n, salt, most, 1)::integer);

-- How many belong to one: three times as many at least, twice that on average, now and then a hundred.
create function pg_temp.many(n bigint, salt bigint, least_many double precision) returns integer
language sql stable
return least(500, floor(least_many / sqrt(1 - pg_temp.rnd(n, salt))))::integer;

create function pg_temp.mail(n bigint) returns text
language sql stable
return case
    when n % 3 = 0 then 'Person.' || n::text || '@Example.org'
    else 'person.' || n::text || '@example.org'
end;

create function pg_temp.owner_of(project bigint) returns bigint
language sql stable
return pg_temp.pick(project, 21, :users, 2);

create function pg_temp.project_of(session bigint) returns bigint
language sql stable
return pg_temp.pick(session, 22, :projects, 3);

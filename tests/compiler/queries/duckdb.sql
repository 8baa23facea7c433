FROM t
FROM t SELECT a, b WHERE a > 1
SELECT * EXCLUDE (a) FROM t
SELECT * REPLACE (a / 2 AS a), COLUMNS('x.*') FROM t
SELECT COLUMNS(c -> c LIKE 'a%') FROM t
SELECT * RENAME (a AS b) FROM t
PIVOT t ON year USING sum(pop) GROUP BY country
UNPIVOT t ON jan, feb INTO NAME month VALUE sales
SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1
SELECT [x * 2 FOR x IN l IF x > 1] FROM t
SELECT list_transform(l, x -> x + 1), list_filter(l, lambda x: x > 1) FROM t
SELECT {'a': 1, 'b': [1,2]}, MAP {'k': 'v'}, s.a, l[1], l[1:2] FROM t
SELECT a, count(*) FROM t GROUP BY ALL ORDER BY ALL
SELECT a FROM t ASOF JOIN u ON t.ts >= u.ts
SELECT * FROM t POSITIONAL JOIN u
SELECT * FROM t SEMI JOIN u USING (id)
SELECT * FROM range(10) AS r(i)
SELECT unnest([1,2,3]) AS x
SELECT a::VARCHAR, TRY_CAST(b AS INTEGER), '2024-01-01'::DATE FROM t
SELECT * FROM t USING SAMPLE 10%
SELECT * FROM t TABLESAMPLE reservoir(20 ROWS) REPEATABLE (42)
SELECT j->>'$.a', j->'b' FROM t
SELECT sum(a) FILTER (WHERE b > 1), arg_max(a, b), string_agg(a, ',' ORDER BY a) FROM t
WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x WHERE i < 5) SELECT * FROM x
WITH x AS MATERIALIZED (SELECT 1) FROM x
SELECT * FROM a UNION BY NAME SELECT * FROM b
SELECT "a b", 'it''s', E'\n', $$dollar$$, 1_000_000 FROM t
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(i, s)
VALUES (1), (2)
SELECT a, FROM t
SELECT a.b.c, a.*, t.col AS "x" FROM t AS t
SELECT date_trunc('month', d), d + INTERVAL 1 DAY, extract(year FROM d), strftime(d, '%Y') FROM t
SELECT x: 42, y: 'b' FROM t
SELECT * FROM t WHERE a SIMILAR TO 'x%' AND b GLOB 'a*' AND c ILIKE '%x%' AND d IS DISTINCT FROM e
SUMMARIZE t
DESCRIBE t
SELECT * FROM t ORDER BY a DESC NULLS LAST LIMIT 10%
SELECT * FROM t AT (VERSION => 3)
SELECT first(a ORDER BY b), quantile_cont(a, [0.1, 0.9]), approx_count_distinct(a) FROM t
SELECT rowid, * FROM t
SELECT COLUMNS(* EXCLUDE (a))::VARCHAR FROM t
SELECT * LIKE 'col%' FROM t
SELECT a FROM t WINDOW w AS (ORDER BY b RANGE BETWEEN INTERVAL 3 DAYS PRECEDING AND CURRENT ROW)
SELECT sum(a) OVER (ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM t
SELECT 'a'.upper(), l.list_sort().list_reverse() FROM t
SELECT * FROM t GROUP BY GROUPING SETS ((a), (b), ()), CUBE (c)
PIVOT (SELECT * FROM t) ON a IN (1, 2) USING first(b) AS f, sum(c) GROUP BY d
SELECT * FROM (PIVOT t ON a USING sum(b))
SELECT * FROM t PIVOT (sum(a) FOR b IN (1, 2) GROUP BY c)
SELECT update, "insert", delete FROM t
SELECT date '2024-01-01', timestamp '2024-01-01 00:00:00', TIME '10:00', INTERVAL '1' YEAR
SELECT struct_pack(a := 1), t.a IN (SELECT 1), a = ANY([1,2]), (a, b) = (1, 2) FROM t
SELECT #1, count() FROM t GROUP BY #1
SELECT * FROM t WHERE a IN [1, 2] LIMIT (SELECT 3)
SELECT CAST(ROW(1, 2) AS STRUCT(a INTEGER, b INTEGER)), UNION_VALUE(k := 1), 1 // 2, 2 ** 3, a ^@ 'x'
FROM (FROM t SELECT a) LIMIT 3
SELECT if(a, b, c), CASE WHEN a THEN 1 END, coalesce(a, b), nullif(a, b) FROM t
SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b
SELECT count(*) AS n, GROUPING_ID(a) FROM t GROUP BY ROLLUP (a, b) HAVING n > 1
SELECT TRY(a / 0), getvariable('x') FROM t
SELECT * FROM t1 LEFT JOIN LATERAL (SELECT t1.i + 1) x ON true

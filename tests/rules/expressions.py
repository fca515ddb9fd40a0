"""Expressions by what promtool 2.42 says of them; NEWER ones it refuses and Prometheus 3 knows."""

from __future__ import annotations

ACCEPTED = r"""
m
m > 0
m > bool 5
1 > bool 2
m[5m]
m[5m:1m]
m[5m:]
"hello"
'it\'s'
`hello`
"\x41"
{a="b"}
{a=~".+"}
{__name__=~"m1|m2"}
{a="",b="c"}
m{a="b",}
m{a="b",a="c"}
m{ a = "b" }
m{a='b'}
m{a=`b`}
m{on="x",sum="y"}
m{a=~"(?i)foo"}
m{a=~"\\d+\\s\\S"}
m{a=~"\\Qa.b\\E"}
m{a=~"\\pN[[:alpha:]]"}
m{a=~"(?P<n>x)"}
m{a=~"(?U)x+"}
m{a=~"[[a]"}
m{a=~"\\101"}
m{a=~"\\x{41}\\z"}
m{a=~"^a$"}
sum
offset
start
end
rate(m[5m])
rate(m[5m])[1h:5m]
rate(sum(m)[5m:])
sum(m) by (x)
sum by (x,) (m)
sum by () (m)
sum without (x) (m)
sum(m) by (on)
m @ start()
m @ end()
m @ -5
m @ 1e9
m offset 5m
m offset -5m
m[5m] @ 10 offset 5m
sum(m)[5m:1m] offset 5m
m[1y2w3d4h5m6s7ms]
0x1F
1e3
.5
Inf
NaN
m + on(x) group_left(y) n
m + on(x) group_left n
max(m) by(x) > on(x) group_right(z) n
m unless n
m atan2 n
m ^ 2 ^ 3
-m
--m
m--n
topk(3, m)
count_values("a-b", m)
quantile(0.9, m)
group(m)
round(m, 5)
hour()
time()
scalar(m)
absent(m)
absent_over_time(m[5m])
label_replace(m, "a", "$1", "b", "(.*)")
label_join(m, "a", "-")
histogram_quantile(0.9, m)
histogram_fraction(0, 1, m)
holt_winters(m[5m], 0.5, 0.5)
predict_linear(m[5m], 60)
present_over_time(m[5m])
clamp(m, 0, 1)
m:sum:rate5m
m # comment
SUM(m)
m AND n
m > BOOL 5
m > (n or vector(0))
m [5m]
m * 1e-400
0777
""".strip().split("\n")

REFUSED = r"""
1 > 2
"a\qb"
{}
{a=~".*"}
{a!="x"}
{a=""}
m{__name__="x"}
m{,}
m{a="b" c="d"}
m{a="b" or c="d"}
m{a=~"("}
m{a=~"foo(?=bar)"}
m{a=~"\\C"}
m{a=~"x{1001}"}
m{a=~"a**"}
m{a=~"[a--b]"}
m{a=~"[a-\\d]"}
m{a=~"\\u0041"}
m{a=b}
m{a="b}
m{a-b="c"}
rate(m)
sum(m[5m])
avg_over_time(m)
on
bool
m @ 5 @ 6
m @ Inf
m @ m
m offset 5m [5m]
sum(m) offset 5m
m offset 5m offset 5m
m[5m
m[0s]
m[1.5m]
m[1m5h]
m[-5m]
m offset 1.5m
1_000
1e
m + on(x) group_left(x) n
m + group_left(y) n
m and on(x) group_left(y) n
m and 1
m and bool n
m + bool n
m == "x"
-"x"
-m[5m]
!m
m =~ 5
m ==== 1
m = 1
m && n
topk(m)
topk("x", m)
count_values(x, m)
foo(m)
RATE(m[5m])
abs()
abs(m, m)
abs(m,)
vector(m)
scalar(1)
label_replace(m, "a", "$1", "b")
mé
# comment
()
((m)
m)
m n
1 2
m;
$m
sum by(x)(m)by(y)
m{a="b"}[5m] > 0
rate(1[5m:])
m <> 5
""".strip().split("\n")

NEWER = r"""
{"utf8 name"}
{"a b"="c"}
m{"a"="b"}
m[5]
m offset 5
limitk(3, m)
limit_ratio(0.5, m)
histogram_avg(m)
double_exponential_smoothing(m[5m], 0.5, 0.5)
sort_by_label(m, "x")
mad_over_time(m[5m])
info(m)
m{a=~"(?<n>x)"}
""".strip().split("\n")

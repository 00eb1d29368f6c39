# Writes power_r.json beside this file: power and sizes by R's own functions and by `pwr`.
#
#     Rscript stats/tests/golden/power.R          (R 4.2.2, pwr 1.3-0, jsonlite 1.8.4)
#
# `strict = TRUE` counts both tails, as the library does.
library(pwr)
library(jsonlite)

cases <- list()
add <- function(kind, inputs, value) cases[[length(cases) + 1]] <<- list(kind = kind, inputs = inputs, value = value)

for (n in c(5, 20, 300)) for (delta in c(0.1, 0.5, 1.2)) for (level in c(0.9, 0.95, 0.999)) {
  add("t_two_sided", list(n = n, delta = delta, sd = 1.3, level = level),
      power.t.test(n = n, delta = delta, sd = 1.3, sig.level = 1 - level, strict = TRUE)$power)
  add("t_one_sided", list(n = n, delta = delta, sd = 1.3, level = level),
      power.t.test(n = n, delta = delta, sd = 1.3, sig.level = 1 - level, alternative = "one.sided")$power)
}
for (n in c(8, 60)) for (delta in c(0.2, 0.9))
  add("t_paired", list(n = n, delta = delta, sd = 2.1, level = 0.95),
      power.t.test(n = n, delta = delta, sd = 2.1, type = "paired", strict = TRUE)$power)
for (power in c(0.5, 0.8, 0.95, 0.99)) for (delta in c(0.05, 0.4, 1.5))
  add("t_size", list(delta = delta, sd = 1, power = power),
      power.t.test(delta = delta, sd = 1, power = power, strict = TRUE, tol = 1e-12)$n)
for (power in c(0.6, 0.8, 0.95)) for (n in c(10, 250, 1e5))
  add("t_effect", list(n = n, sd = 2.5, power = power),
      power.t.test(n = n, sd = 2.5, power = power, strict = TRUE, tol = 1e-12)$delta)
for (n2 in c(15, 80, 900)) for (d in c(0.15, 0.6))
  add("t_unequal", list(n1 = 40, n2 = n2, d = d), pwr.t2n.test(n1 = 40, n2 = n2, d = d)$power)
for (p1 in c(0.02, 0.3)) for (lift in c(0.1, 0.5)) for (n in c(200, 5000)) {
  add("prop_formula", list(n = n, p1 = p1, p2 = p1 * (1 + lift)),
      power.prop.test(n = n, p1 = p1, p2 = p1 * (1 + lift), strict = TRUE)$power)
  add("prop_arcsine", list(n1 = n, n2 = 2 * n, p1 = p1, p2 = p1 * (1 + lift)),
      pwr.2p2n.test(h = ES.h(p1 * (1 + lift), p1), n1 = n, n2 = 2 * n)$power)
}
for (k in c(3, 6)) for (n in c(12, 400)) for (f in c(0.05, 0.25))
  add("anova", list(k = k, n = n, f = f), pwr.anova.test(k = k, n = n, f = f)$power)
for (n in c(100, 20000)) for (w in c(0.02, 0.2)) for (df in c(1, 4))
  add("chi_square", list(n = n, w = w, df = df), pwr.chisq.test(w = w, N = n, df = df)$power)

write(toJSON(cases, auto_unbox = TRUE, digits = I(17), pretty = TRUE), "stats/tests/golden/power_r.json")

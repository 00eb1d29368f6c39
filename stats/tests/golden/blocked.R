# Writes blocked.json beside this file: differences in means within blocks and pairs.
#
#     Rscript stats/tests/golden/blocked.R          (R 4.2.2, estimatr 1.0.0, jsonlite 1.8.4)
#
# Blocks of two units or more in each arm by estimatr's difference_in_means; pairs also by t.test; blocks with one
# unit in an arm by the formula of Pashley & Miratrix (2021), eq. (5), written out here.
library(estimatr)
library(jsonlite)

set.seed(20261123)
round_to <- function(x) round(x, 3)
draw <- function(sizes, treated) {
  b <- rep(seq_along(sizes), sizes)
  z <- unlist(Map(function(n, k) c(rep(1, k), rep(0, n - k)), sizes, treated))
  data.frame(b = b, z = z, y = round_to(5 + b + 1.5 * z + rnorm(length(b)) * (1 + z)))
}
cases <- list()
add <- function(name, data, value)
  cases[[length(cases) + 1]] <<- list(name = name, stratum = data$b, treated = data$z, y = data$y, value = value)

for (sizes in list(c(4, 6, 5, 9), c(40, 12, 8))) {
  data <- draw(sizes, pmax(2, sizes %/% 2))
  fit <- difference_in_means(y ~ z, blocks = b, data = data)
  add("blocked", data, list(estimate = unname(fit$coefficients), se = unname(fit$std.error), df = unname(fit$df),
                            low = unname(fit$conf.low), high = unname(fit$conf.high), p = unname(fit$p.value)))
}
pairs <- draw(rep(2, 12), rep(1, 12))
fit <- difference_in_means(y ~ z, blocks = b, data = pairs)
test <- t.test(pairs$y[pairs$z == 1], pairs$y[pairs$z == 0], paired = TRUE)
stopifnot(abs(fit$p.value - test$p.value) < 1e-12)
add("pairs", pairs, list(estimate = unname(test$estimate), se = test$stderr, df = unname(test$parameter),
                         low = test$conf.int[1], high = test$conf.int[2], p = test$p.value))

small <- draw(c(2, 3, 5, 4, 2, 3), c(1, 1, 1, 3, 1, 2))
n <- table(small$b)
tau <- sapply(split(small, small$b), function(d) mean(d$y[d$z == 1]) - mean(d$y[d$z == 0]))
estimate <- sum(n * tau) / sum(n)
weights <- n^2 / ((sum(n) - 2 * n) * (sum(n) + sum(n^2 / (sum(n) - 2 * n))))
add("small", small, list(estimate = estimate, se = sqrt(sum(weights * (tau - estimate)^2)), df = length(n) - 1))

write_json(cases, "blocked.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)

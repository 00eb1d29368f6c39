# Writes the golden table of `stats::group_sequential` beside this file.
#
#   Rscript group_sequential.R        (R 4.2.2, mvtnorm 1.1-3)
#
# A second way to every number: the joint normal law of the statistics of all looks, integrated as one multivariate
# probability by the algorithm of Miwa, Hayter and Kuriki (2003). Nothing is integrated look by look.

library(mvtnorm)

joint <- function(looks, low, high, drift) {
  k <- length(looks)
  mean <- drift * sqrt(looks)
  if (k == 1) return(pnorm(high - mean) - pnorm(low - mean))
  corr <- outer(looks, looks, function(a, b) sqrt(pmin(a, b) / pmax(a, b)))
  as.numeric(pmvnorm(low, high, mean, corr, algorithm = Miwa(steps = 4097)))
}

# The chance to go on through the looks before, and to end in [low, high] at the last.
ending <- function(looks, lows, highs, low, high, drift) joint(looks, c(lows, low), c(highs, high), drift)

spent <- function(kind, t, alpha) switch(kind,
  obrien_fleming = 2 * pnorm(qnorm(1 - alpha / 2) / sqrt(t), lower.tail = FALSE),
  pocock = alpha * log(1 + (exp(1) - 1) * t),
  kim_demets_2 = alpha * t^2,
  hwang_shih_decani_1 = alpha * (1 - exp(-t)) / (1 - exp(-1)))

rows <- list()
add <- function(plan, kind, look, drift, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(plan, kind, look, drift, quantity, value = sprintf("%.12g", value))

for (kind in c("obrien_fleming", "pocock", "kim_demets_2", "hwang_shih_decani_1")) {
  for (plan in c("one", "two", "binding")) {
    looks <- c(0.15, 0.5, 0.8, 1)
    futility <- if (plan == "binding") c(-0.5, 0.25, 0.75) else rep(-Inf, 3)
    alpha <- 0.025
    highs <- lows <- c()
    used <- 0
    for (k in seq_along(looks)) {
      upto <- looks[1:k]
      target <- spent(kind, looks[k], alpha) - used
      gap <- function(z) ending(upto, lows, highs, z, Inf, 0) - target
      z <- uniroot(gap, c(0.5, 8), tol = 1e-11)$root
      used <- used + target
      add(plan, kind, k, 0, "critical", z)
      highs <- c(highs, z)
      lows <- c(lows, if (plan == "two") -z else if (k < 4) futility[k] else -Inf)
    }
    for (drift in c(0, 2.5)) for (k in seq_along(looks)) {
      upto <- looks[1:k]
      before <- seq_len(k - 1)
      add(plan, kind, k, drift, "above", ending(upto, lows[before], highs[before], highs[k], Inf, drift))
      if (is.finite(lows[k])) add(plan, kind, k, drift, "below", ending(upto, lows[before], highs[before], -Inf, lows[k], drift))
    }
  }
}
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
write.csv(do.call(rbind, rows), file.path(here, "group_sequential.csv"), row.names = FALSE, quote = FALSE)

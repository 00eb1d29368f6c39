# Writes time_to_event.json beside this file: two arms of times to an event, and two arms of counts, drawn here, with what
# R says of them.
#
#     Rscript stats/tests/golden/time_to_event.R          (R 4.2.2, survival 3.5-3, MASS 7.3-58.2, jsonlite 1.8.4)
library(survival)
library(MASS)
library(jsonlite)

named <- function(...) { kept <- list(...); kept }

# Times from exposure in days, rounded up, so that many are tied; some units leave before.
times <- function(seed, n, rate, shape, leave) {
  set.seed(seed)
  arm <- rep(0:1, times = n)
  event <- ceiling(rweibull(sum(n), shape[arm + 1], 1 / rate[arm + 1]))
  gone <- ceiling(rexp(sum(n), leave))
  data.frame(arm, time = pmin(event, gone), event = as.integer(event <= gone))
}

survival_case <- function(name, data, horizons, at) {
  tests <- lapply(c("breslow", "efron", "exact"), function(ties) {
    fit <- coxph(Surv(time, event) ~ arm, data, ties = ties, control = coxph.control(eps = 1e-14, iter.max = 50))
    named(ties = ties, log_ratio = coef(fit)[[1]], std_error = sqrt(vcov(fit)[1, 1]), score = fit$score,
          likelihood_ratio = 2 * diff(fit$loglik), wald = fit$wald.test[[1]],
          interval = as.numeric(confint(fit)))
  })
  ranks <- lapply(c(0, 0.5, 1), function(rho) {
    test <- survdiff(Surv(time, event) ~ arm, data, rho = rho)
    named(rho = rho, observed = test$obs[[2]], expected = test$exp[[2]], statistic = test$chisq)
  })
  curve <- survfit(Surv(time, event) ~ arm, data)
  means <- lapply(horizons, function(horizon) {
    table <- summary(curve, rmean = horizon)$table
    named(horizon = horizon, mean = as.numeric(table[, "rmean"]), std_error = as.numeric(table[, "se(rmean)"]))
  })
  shares <- lapply(at, function(time) {
    found <- summary(curve, times = time)
    named(at = time, survival = found$surv, std_error = found$std.err)
  })
  named(name = name, arm = data$arm, time = data$time, event = data$event, cox = tests, log_rank = ranks,
        restricted_mean = means, survival = shares)
}

counts <- function(seed, n, mean, size, per) {
  set.seed(seed)
  arm <- rep(0:1, times = n)
  exposure <- if (per) round(runif(sum(n), 0.5, 6), 2) else rep(1, sum(n))
  data.frame(arm, y = rnbinom(sum(n), mu = mean[arm + 1] * exposure, size = size), exposure)
}

count_case <- function(name, data) {
  formula <- y ~ arm + offset(log(exposure))
  fitted <- function(fit, extra) {
    rows <- summary(fit)$coefficients
    c(named(rates = as.numeric(exp(cumsum(coef(fit)))), log_ratio = rows[2, 1], std_error = rows[2, 2],
            p = rows[2, 4]), extra)
  }
  plain <- glm(formula, poisson, data, control = glm.control(1e-14, 100))
  quasi <- glm(formula, quasipoisson, data, control = glm.control(1e-14, 100))
  wide <- glm.nb(formula, data, control = glm.control(1e-14, 200))
  named(name = name, arm = data$arm, y = data$y, exposure = data$exposure,
        poisson = fitted(plain, list()),
        quasi_poisson = fitted(quasi, list(dispersion = summary(quasi)$dispersion)),
        negative_binomial = fitted(wide, list(theta = wide$theta)))
}

written <- list(
  survival = list(
    survival_case("proportional", times(1, c(60, 45), c(0.05, 0.03), c(1, 1), 0.02), c(20, 45), c(10, 30)),
    survival_case("many ties", times(2, c(150, 220), c(0.2, 0.25), c(1.2, 1.2), 0.1), c(5, 9), c(3, 7)),
    survival_case("late difference", times(3, c(80, 80), c(0.04, 0.025), c(1, 0.7), 0.01), c(30, 60), c(15, 50))),
  counts = list(
    count_case("per unit", counts(4, c(150, 220), c(1.4, 2.1), 0.7, FALSE)),
    count_case("per exposure", counts(5, c(90, 130), c(0.8, 0.6), 1.6, TRUE)),
    count_case("little dispersion", counts(6, c(300, 280), c(3, 3.2), 25, FALSE))))
write(toJSON(written, auto_unbox = TRUE, digits = I(17)), "stats/tests/golden/time_to_event.json")

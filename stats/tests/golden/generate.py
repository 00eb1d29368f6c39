#!/usr/bin/env python3
"""Writes the golden tables of `stats::dist` beside this file.

    pip install mpmath==1.3.0
    python3 stats/tests/golden/generate.py

Every argument is an exact double (printed by `repr`, read back bit for bit); every value is computed with at least 60
digits and printed with 30. The sums and integrals here are chosen to be unlike those of the library: tails are one half
(or one) minus a positive series, carried with as many extra digits as the subtraction costs, or integrals of the density.
`self_check` compares the two ways before anything is written.
"""

import csv
import math
import os

from mpmath import mp, mpf

DIGITS = 60
mp.dps = DIGITS
HERE = os.path.dirname(os.path.abspath(__file__))

T_DF = [0.5, 1.0, 2.0, 2.5, 5.0, 30.0, 100.5, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e12]
CHI_DF = [0.01, 0.5, 1.0, 2.0, 2.5, 5.0, 30.0, 100.5, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e12]
TAIL_P = [1e-300, 1e-250, 1e-200, 1e-100, 1e-50, 1e-30, 1e-20, 1e-16, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 0.005,
          0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.499, 0.4999999, 0.49999999999]
UPPER_P = [0.50000000001, 0.6, 0.75, 0.9, 0.975, 0.999, 1 - 1e-6, 1 - 1e-10, 1 - 1e-14, 1 - 2.0**-53]


def text(value):
    return mp.nstr(value, 30, strip_zeros=False, min_fixed=0, max_fixed=0)


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        for row in rows:
            out.writerow([repr(v) if isinstance(v, float) else text(v) for v in row])


def integral(log_ratio, scale):
    """The integral over v > 0 of exp(log_ratio(v)), a function that falls from 1 at v = 0 on the given scale."""
    total, low, width = mpf(0), mpf(0), mpf(scale)
    while True:
        piece = mp.quad(lambda v: mp.exp(log_ratio(v)), [low, low + width])
        total += piece
        if piece < total * mpf(10) ** -45:
            return total
        low, width = low + width, width * 2


# ---- standard normal -------------------------------------------------------------------------------------------------


def normal_ln_sf(x):
    return mp.log(mp.erfc(mpf(x) / mp.sqrt(2)) / 2)


def normal_pdf(x):
    return mp.exp(-mpf(x) ** 2 / 2) / mp.sqrt(2 * mp.pi)


def newton(ln_tail, ln_slope, ln_p, w):
    """Solves ln_tail(w) = ln_p for a falling or rising smooth function by Newton's steps."""
    for _ in range(200):
        step = (ln_tail(w) - ln_p) / ln_slope(w)
        w -= step
        if abs(step) < mpf(10) ** -36 * max(1, abs(w)):
            return w
    raise ArithmeticError("no convergence")


def normal_isf(p):
    p = mpf(p)
    if p > 0.5:
        return -normal_isf(1 - p)
    return mp.sqrt(2) * mp.erfinv(1 - 2 * p) if p > 1e-10 else newton(
        normal_ln_sf, lambda x: -normal_pdf(x) / mp.exp(normal_ln_sf(x)), mp.log(p), mp.sqrt(-2 * mp.log(p)))


# ---- Student t -------------------------------------------------------------------------------------------------------


def t_ln_pdf(t, nu):
    t, nu = mpf(t), mpf(nu)
    return (mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * mp.pi) / 2
            - (nu + 1) / 2 * mp.log1p(t * t / nu))


def t_centre(t, nu):
    """P(0 < T < t) = f(t) t sum_k (a + 1/2)_k / (3/2)_k y^k, times (1 + t^2/nu)^0; y = t^2 / (nu + t^2)."""
    t, nu = mpf(t), mpf(nu)
    a, y = nu / 2, t * t / (nu + t * t)
    term = total = mpf(1)
    k = 0
    while term > total * mp.eps:
        term *= (a + k + mpf(1) / 2) / (k + mpf(3) / 2) * y
        total += term
        k += 1
    return mp.exp(t_ln_pdf(t, nu)) * t * total


def t_sf(t, nu):
    """P(T > t), t >= 0."""
    t, nu = mpf(t), mpf(nu)
    if t * t < nu:
        # The tail is at least that of the normal: this many digits cancel at most.
        with mp.workdps(DIGITS + int(t * t / 2 / mp.log(10)) + 10):
            return mpf(1) / 2 - t_centre(t, nu)
    a, x = nu / 2, nu / (nu + t * t)
    term = total = mpf(1)
    k = 0
    while term > total * mp.eps:
        term *= (a + k + mpf(1) / 2) / (a + k + 1) * x
        total += term
        k += 1
    return mp.exp(t_ln_pdf(t, nu)) * t / nu * total


def t_sf_by_integral(t, nu):
    t, nu = mpf(t), mpf(nu)
    slope = (nu + 1) * t * t / (nu + t * t)
    base = t_ln_pdf(t, nu)
    return mp.exp(base) * t * integral(lambda w: t_ln_pdf(t * mp.exp(w), nu) - base + w, 1 / (slope + 1))


def t_isf(p, nu):
    p, nu = mpf(p), mpf(nu)
    if p > 0.5:
        return -t_isf(1 - p, nu)
    if p > 0.3:
        want = mpf(1) / 2 - p
        t = want / mp.exp(t_ln_pdf(0, nu))
        for _ in range(100):
            step = (t_centre(t, nu) - want) / mp.exp(t_ln_pdf(t, nu))
            t -= step
            if abs(step) < mpf(10) ** -36 * t:
                return t
    ln_sf = lambda w: mp.log(t_sf(mp.exp(w), nu))
    slope = lambda w: -mp.exp(t_ln_pdf(mp.exp(w), nu) + w) / t_sf(mp.exp(w), nu)
    return mp.exp(newton(ln_sf, slope, mp.log(p), mp.log(normal_isf(p))))


# ---- chi-squared, as a gamma with shape a and unit scale ----------------------------------------------------------


def gamma_ln_pdf(x, a):
    return (a - 1) * mp.log(x) - x - mp.loggamma(a)


def gamma_series(x, a):
    """P(X < x) = x^a e^-x / Gamma(a+1) sum_k x^k / (a+1)_k."""
    term = total = mpf(1)
    k = 0
    while term > total * mp.eps:
        k += 1
        term *= x / (a + k)
        total += term
    return mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1)) * total


def gamma_outer(x, a):
    """The tail on the side of x that does not hold the mode, by integrating the density away from x."""
    sign = 1 if x > a else -1
    scale = 1 / (abs(1 - (a - 1) / x) + 1 / mp.sqrt(a))
    if sign > 0:
        ratio = lambda v: (a - 1) * mp.log1p(v / x) - v
        return mp.exp(gamma_ln_pdf(x, a)) * integral(ratio, scale)
    # From x down to 0 in w = ln(x / u), where the density of w has no end point.
    ratio = lambda w: -a * w + x * -mp.expm1(-w)
    return mp.exp(gamma_ln_pdf(x, a)) * x * integral(ratio, 1 / (abs(a - x) + mp.sqrt(a)))


def gamma_tails(x, a):
    """(P, Q)."""
    x, a = mpf(x), mpf(a)
    if a > 2e4:
        outer = gamma_outer(x, a)
        return (1 - outer, outer) if x > a else (outer, 1 - outer)
    extra = int(max(0, x - a - a * mp.log(x / a)) / mp.log(10)) if x > a else 0
    with mp.workdps(DIGITS + extra + 15):
        lower = gamma_series(x, a)
        return lower, 1 - lower


def chi_row(x, df):
    half_x, a = mpf(x) / 2, mpf(df) / 2
    lower, upper = gamma_tails(half_x, a)
    ln_pdf = gamma_ln_pdf(half_x, a) - mp.log(2)
    with mp.workdps(DIGITS + 400):
        # The logarithm of a number near one is minus the other tail to first order: keep its digits.
        ln_lower = mp.log1p(-upper) if lower > upper else mp.log(lower)
        ln_upper = mp.log1p(-lower) if upper > lower else mp.log(upper)
    return lower, upper, ln_lower, ln_upper, mp.exp(ln_pdf)


def gamma_root(p, a, upper):
    """x with P = p (or Q = p), by Newton's steps in ln x, kept inside a bracket."""
    p, a = mpf(p), mpf(a)
    z = normal_isf(p) * (1 if upper else -1)
    cube = 1 - 1 / (9 * a) + z / (3 * mp.sqrt(a))
    w = mp.log(a) + 3 * mp.log(cube) if cube > 0.2 else mp.log(p * mp.gamma(a + 1)) / a
    low, high = -mpf(10) ** 7, mp.log(2 * a + 2000)
    w = min(w, high)
    for _ in range(300):
        x = mp.exp(w)
        lower, tail = gamma_tails(x, a)
        value = tail if upper else lower
        gap = mp.log(value) - mp.log(p)
        slope = mp.exp(gamma_ln_pdf(x, a) + w) / value * (-1 if upper else 1)
        if (gap > 0) == upper:
            low = w
        else:
            high = w
        step = gap / slope
        following = w - step if low < w - step < high else (low + high) / 2
        if abs(w - following) < mpf(10) ** -34:
            return mp.exp(following)
        w = following
    raise ArithmeticError("no convergence")


# ---- beta, F and counts ----------------------------------------------------------------------------------------------


def beta_lower(a, b, x, y):
    """I_x(a, b) = x^a y^b / (a B(a, b)) sum_k (a+b)_k / (a+1)_k x^k, all terms positive."""
    term = total = mpf(1)
    k = 0
    while term > total * mp.eps:
        term *= (a + b + k) / (a + 1 + k) * x
        total += term
        k += 1
    return mp.exp(a * mp.log(x) + b * mp.log(y) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b)) * total


def beta_tails(a, b, x, y):
    """(I, 1 - I), each by the series about its own end, which is slow but loses nothing."""
    a, b = mpf(a), mpf(b)
    if x * (a + b) <= a:
        lower = beta_lower(a, b, x, y)
        with mp.workdps(DIGITS + 400):
            return lower, 1 - lower
    upper = beta_lower(b, a, y, x)
    with mp.workdps(DIGITS + 400):
        return 1 - upper, upper


def logs(lower, upper):
    with mp.workdps(DIGITS + 400):
        return (mp.log1p(-upper) if lower > upper else mp.log(lower)), (mp.log1p(-lower) if upper > lower else mp.log(upper))


def beta_ln_pdf(a, b, x, y):
    return (a - 1) * mp.log(x) + (b - 1) * mp.log(y) + mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)


def beta_root(p, a, b, upper):
    """The odds w with that tail, by Newton's steps in ln w."""
    a, b, p = mpf(a), mpf(b), mpf(p)
    w = mp.log(a / b) + (1 if upper else -1) * normal_isf(p) * mp.sqrt(1 / a + 1 / b)
    low, high = -mpf(10) ** 6, mpf(10) ** 6
    for _ in range(400):
        x, y = 1 / (1 + mp.exp(-w)), 1 / (1 + mp.exp(w))
        value = beta_tails(a, b, x, y)[1 if upper else 0]
        gap = mp.log(value) - mp.log(p)
        slope = mp.exp(beta_ln_pdf(a, b, x, y) + mp.log(x) + mp.log(y)) / value * (-1 if upper else 1)
        if (gap > 0) == upper:
            low = w
        else:
            high = w
        following = w - gap / slope
        following = following if low < following < high else (max(low, -mpf(2000)) + min(high, mpf(2000))) / 2
        if abs(following - w) < mpf(10) ** -34:
            return mp.exp(following)
        w = following
    raise ArithmeticError("no convergence")


# ---- noncentral laws ---------------------------------------------------------------------------------------------------
# Sums over the Poisson number with the recurrence of the tails, carried with as many extra digits as the recurrence costs.
# The library integrates over the estimated spread instead (t), or sums direct tails (chi-squared, F).


def nct_lower(t, nu, delta):
    """P(T <= t), t >= 0: Johnson, Kotz & Balakrishnan (1995), eq. (31.12), AS 243."""
    t, nu, delta = mpf(t), mpf(nu), mpf(delta)
    if t == 0:
        return mp.erfc(delta / mp.sqrt(2)) / 2
    x, y, half = t * t / (nu + t * t), nu / (nu + t * t), delta * delta / 2
    b = nu / 2
    total = mpf(0)
    for shape, weight in ((mpf(1) / 2, mp.exp(-half)), (mpf(1), delta * mp.exp(-half) / mp.sqrt(2) / mp.gamma(mpf(3) / 2))):
        value = beta_lower(shape, b, x, y) if x < mpf(9) / 10 else 1 - beta_lower(b, shape, y, x)
        term = mp.exp(shape * mp.log(x) + b * mp.log(y) + mp.loggamma(shape + b) - mp.loggamma(shape + 1) - mp.loggamma(b))
        j = 0
        while True:
            total += weight * value / 2
            if j > half and abs(weight) * value < mpf(10) ** -(mp.dps + 5):
                break
            value -= term
            term *= x * (shape + j + b) / (shape + j + 1)
            j += 1
            weight *= half / (j if shape < 1 else j + mpf(1) / 2)
            if value <= 0:
                break
    return mp.erfc(delta / mp.sqrt(2)) / 2 + total


def nct_tails(t, nu, delta):
    if t < 0:
        lower, upper = nct_tails(-t, nu, -delta)
        return upper, lower
    with mp.workdps(DIGITS + 700):
        lower = nct_lower(t, nu, delta)
        return lower, 1 - lower


def nct_by_integral(t, nu, delta):
    t, nu, delta = mpf(t), mpf(nu), mpf(delta)
    a = nu / 2
    top = mp.log(2) + a * mp.log(a) - mp.loggamma(a)
    integrand = lambda w: mp.exp(top + nu * w - a * mp.exp(2 * w)) * mp.erfc((delta - t * mp.exp(w)) / mp.sqrt(2)) / 2
    sigma = 1 / mp.sqrt(2 * nu)
    return mp.quad(integrand, [k * sigma for k in range(-120, 41, 2)])


def poisson_mixture(half, lower_of, term_of, ratio_of):
    """(sum p_j L_j, 1 - that), L_{j+1} = L_j - T_j, T_{j+1} = ratio_j T_j."""
    with mp.workdps(DIGITS + 700):
        half = mpf(half)
        weight, value, term, total, j = mp.exp(-half), lower_of(), term_of(), mpf(0), 0
        while value > 0:
            total += weight * value
            if j > half and weight * value < mpf(10) ** -(mp.dps + 5):
                break
            value -= term
            term *= ratio_of(j)
            j += 1
            weight *= half / j
        return total, 1 - total


def ncchi_tails(x, df, lam):
    def lower():
        return gamma_series(mpf(x) / 2, mpf(df) / 2)

    def term():
        a = mpf(df) / 2
        return mp.exp(a * mp.log(mpf(x) / 2) - mpf(x) / 2 - mp.loggamma(a + 1))

    return poisson_mixture(mpf(lam) / 2, lower, term, lambda j: mpf(x) / 2 / (mpf(df) / 2 + j + 1))


def ncf_tails(x, d1, d2, lam):
    d1, d2 = mpf(d1), mpf(d2)
    a, b = d1 / 2, d2 / 2

    def shares():
        return d1 * x / (d1 * x + d2), d2 / (d1 * x + d2)

    def lower():
        u, v = shares()
        return beta_lower(a, b, u, v) if u < mpf(9) / 10 else 1 - beta_lower(b, a, v, u)

    def term():
        u, v = shares()
        return mp.exp(a * mp.log(u) + b * mp.log(v) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b))

    return poisson_mixture(mpf(lam) / 2, lower, term, lambda j: shares()[0] * (a + b + j) / (a + j + 1))


# ---- studentised range -----------------------------------------------------------------------------------------------


def phi_cdf(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


def trapezoid(function, step, low, high):
    return step * mp.fsum(function(step * k) for k in range(int(low / step), int(high / step) + 1))


def range_sf(r, k):
    """1 - W(r), the tail as one minus the integral, carried with extra digits."""
    with mp.workdps(35 + int(r * r / 9)):
        w = trapezoid(lambda z: mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi) * (phi_cdf(z) - phi_cdf(z - r)) ** (k - 1), mpf(1) / 8,
                      -13, 13 + r)
        return 1 - k * w


def studentized_range_sf(q, k, nu):
    q, nu = mpf(q), mpf(nu)
    a = nu / 2
    top = mp.log(2) + a * mp.log(a) - mp.loggamma(a)
    sigma = 1 / mp.sqrt(2 * nu)
    low = -min(mpf(58) / nu + 8 * sigma, mpf(60))
    return trapezoid(lambda w: mp.exp(top + nu * w - a * mp.exp(2 * w)) * range_sf(q * mp.exp(w), k),
                     min(sigma / 2, mpf(1) / 10) / max(1, q / 8), low, min(12 * sigma, mpf(3) / 2 + 3 * sigma))


# ---- two normals -----------------------------------------------------------------------------------------------------


def bivariate_upper(h, k, r):
    """P(X > h, Y > k) by integrating the conditional tail."""
    h, k, r = mpf(h), mpf(k), mpf(r)
    rest = mp.sqrt(1 - r * r)
    turn = k / r if r else mpf(0)
    points = sorted({h} | {p for p in [turn + s * rest * f for f in (-12, -4, 0, 4, 12) for s in (1,)] + [mpf(0), mpf(4), mpf(9)] if p > h})
    points += [max(points[-1], h + 14, mpf(15)) + 1]
    return mp.quad(lambda x: normal_pdf(x) * mp.erfc((k - r * x) / rest / mp.sqrt(2)) / 2, points)


# ---- tables -------------------------------------------------------------------------------------------------------


def self_check():
    for t, nu, delta in [(1.5, 3.0, 1.0), (4.0, 30.0, 6.0), (0.3, 10.5, 2.8)]:
        assert abs(nct_tails(t, nu, delta)[0] / nct_by_integral(t, nu, delta) - 1) < mpf(10) ** -25
    assert abs(bivariate_upper(0.0, 0.0, 0.5) - mpf(1) / 3) < mpf(10) ** -25
    for t, nu in [(1.5, 0.5), (3.0, 2.5), (12.0, 30.0), (37.0, 1e4), (5.0, 1e9), (38.0, 1e12)]:
        one, other = t_sf(t, nu), t_sf_by_integral(t, nu)
        assert abs(one / other - 1) < mpf(10) ** -40, (t, nu, one, other)
    for x, a in [(3.0, 0.25), (40.0, 15.0), (5.0, 15.0), (600.0, 500.0), (5300.0, 5000.0), (4700.0, 5000.0)]:
        one = gamma_tails(x, a)[1 if x > a else 0]
        other = gamma_outer(mpf(x), mpf(a))
        assert abs(one / other - 1) < mpf(10) ** -40, (x, a, one, other)
    for p in (1e-9, 0.01):
        assert abs(mp.exp(normal_ln_sf(normal_isf(p))) / mpf(p) - 1) < mpf(10) ** -33


def normal_tables():
    points = [1e-300, 1e-20, 1e-10, 1e-4, 0.01, 0.1, 0.25, 0.46875, 0.5, 0.66, 0.67448975, 0.68, 0.9, 1.0, 1.25, 1.5,
              1.96, 2.0, 2.5, 3.0, 3.7, 4.5, 5.0, 5.6, 5.7, 6.0, 7.5, 8.3, 9.9, 12.5, 15.1, 20.2, 25.3, 30.4, 33.33,
              36.9, 37.5, 37.6, 38.4, 40.0, 50.5, 100.1, 1e3, 12345.678, 1e6, 1e9]
    points += [k / 7 for k in range(1, 260, 4)]
    rows = []
    for x in sorted(points + [-x for x in points if x < 100] + [0.0]):
        with mp.workdps(DIGITS + 700):
            rows.append((x, normal_pdf(x), mp.exp(normal_ln_sf(x)) if x < 1e5 else mp.erfc(mpf(x) / mp.sqrt(2)) / 2, normal_ln_sf(x)))
    write("normal.csv", ["x", "pdf", "sf", "ln_sf"], rows)
    write("normal_isf.csv", ["p", "isf"], [(p, normal_isf(p)) for p in [5e-324, 1e-310] + TAIL_P + [0.07, 0.074, 0.075, 0.076, 0.5] + UPPER_P])


def t_tables():
    rows = []
    fixed = [1e-300, 1e-10, 1e-3, 0.1, 0.3, 0.5, 0.9, 1.0, 1.3, 1.49, 1.51, 1.96, 2.5, 3.3, 5.0, 8.1, 12.3, 20.0, 30.3,
             37.5, 38.5, 60.0, 1e2, 1e3, 1e5, 1e10, 1e50, 1e100, 1e150, 1e200, 1e300]
    for nu in T_DF:
        near = [math.sqrt(nu) * f for f in (0.5, 0.99, 1.01, 2.0)]
        for t in sorted(fixed + near):
            if t > 101 and t * t < nu * 1.0001 or t * t < nu and t > 101:
                continue
            sf = t_sf(t, nu)
            rows.append((nu, t, mp.exp(t_ln_pdf(t, nu)), sf, mp.log(sf)))
    write("student_t.csv", ["df", "t", "pdf", "sf", "ln_sf"], rows)
    rows = []
    for nu in T_DF:
        for p in TAIL_P + UPPER_P:
            t = t_isf(p, nu)
            if abs(t) < 1e307:
                rows.append((p, nu, t))
    write("student_t_isf.csv", ["p", "df", "isf"], rows)


def chi_tables():
    rows = []
    for df in CHI_DF:
        points = {df + z * math.sqrt(2 * df) for z in (-36.0, -20.0, -8.0, -3.0, -1.0, -0.1, 0.1, 1.0, 3.0, 8.0, 20.0, 37.0)}
        points |= {df * f for f in (1e-6, 0.01, 0.3, 0.69, 0.8, 0.89, 0.91, 0.99, 1.0, 1.01, 1.09, 1.11, 1.29, 1.5, 3.0, 10.0)}
        if df < 200:
            points |= {1e-300, 1e-100, 1e-10, 0.1, 1.0, 2.1, 2.3, 3.84, 6.6, 10.8, 50.0, 200.0, 700.0, 1400.0, 3000.0}
        for x in sorted(p for p in points if p > 0):
            rows.append((df, x) + chi_row(x, df))
    write("chi_squared.csv", ["df", "x", "cdf", "sf", "ln_cdf", "ln_sf", "pdf"], rows)
    rows = []
    for df in CHI_DF:
        for p in TAIL_P + [0.5]:
            rows.append((p, df, 2 * gamma_root(p, df / 2, False), 2 * gamma_root(p, df / 2, True)))
    write("chi_squared_quantile.csv", ["p", "df", "quantile", "isf"], rows)


def beta_tables():
    rows, roots = [], []
    for a, b in [(0.5, 0.5), (0.5, 3.0), (1.0, 1.0), (2.5, 7.0), (12.0, 0.5), (30.5, 1.0), (3.0, 4e3), (80.0, 120.0), (450.0, 600.0),
                 (700.0, 520.0), (1e4, 9e4), (5e5, 501.0)]:
        mean, sd = a / (a + b), math.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        points = {mean + z * sd for z in (-30.0, -9.0, -3.0, -1.0, -0.2, 0.0, 0.3, 1.0, 3.0, 9.0, 30.0)} | {1e-200, 1e-10, 0.01, 0.3, 0.5, 0.7, 0.99}
        for x in sorted(x for x in points if 0 < x < 1):
            lower, upper = beta_tails(a, b, mpf(x), 1 - mpf(x))
            rows.append((a, b, x, mp.exp(beta_ln_pdf(mpf(a), mpf(b), mpf(x), 1 - mpf(x))), lower, upper) + logs(lower, upper))
        for p in (1e-300, 1e-30, 1e-6, 0.025, 0.3, 0.5):
            low, high = beta_root(p, a, b, False), beta_root(p, a, b, True)
            roots.append((p, a, b, low / (1 + low), high / (1 + high), low * b / a, high * b / a))
    write("beta.csv", ["a", "b", "x", "pdf", "cdf", "sf", "ln_cdf", "ln_sf"], rows)
    write("beta_quantile.csv", ["p", "a", "b", "quantile", "isf", "f_quantile", "f_isf"], roots)


def count_tables():
    rows = []
    for mean in (1e-3, 0.7, 12.5, 400.0, 1e5, 1e7):
        for k in sorted({max(0, int(mean + z * math.sqrt(mean))) for z in (-20, -8, -3, -1, 0, 1, 3, 8, 25)} | ({0, 1, 5} if mean < 500 else set())):
            lower, upper = gamma_tails(mpf(mean), mpf(k + 1))
            rows.append((mean, float(k), mp.exp(k * mp.log(mpf(mean)) - mpf(mean) - mp.loggamma(k + 1)), upper, lower) + logs(upper, lower))
    write("poisson.csv", ["mean", "k", "pmf", "cdf", "sf", "ln_cdf", "ln_sf"], rows)
    rows = []
    for size, mean in [(0.5, 2.0), (1.0, 30.0), (3.7, 0.2), (60.0, 500.0), (1e4, 1e4)]:
        p = mpf(size) / (mpf(size) + mpf(mean))
        sd = math.sqrt(mean + mean * mean / size)
        for k in sorted({max(0, int(mean + z * sd)) for z in (-9, -3, -1, 0, 1, 3, 10)} | {0, 1}):
            lower, upper = beta_tails(size, k + 1, p, 1 - p)
            ln_pmf = mp.loggamma(size + k) - mp.loggamma(size) - mp.loggamma(k + 1) + size * mp.log(p) + k * mp.log1p(-p)
            rows.append((size, mean, float(k), mp.exp(ln_pmf), lower, upper) + logs(lower, upper))
    write("negative_binomial.csv", ["size", "mean", "k", "pmf", "cdf", "sf", "ln_cdf", "ln_sf"], rows)
    rows = []
    for n, p in [(3, 0.3), (40, 0.05), (2000, 0.5), (100000, 0.013)]:
        sd = math.sqrt(n * p * (1 - p))
        for k in sorted({min(n - 1, max(0, int(n * p + z * sd))) for z in (-9, -3, -1, 0, 1, 3, 10)} | {0}):
            upper, lower = beta_tails(k + 1, n - k, mpf(p), 1 - mpf(p))
            rows.append((float(n), p, float(k), lower, upper) + logs(lower, upper))
    write("binomial.csv", ["trials", "p", "k", "cdf", "sf", "ln_cdf", "ln_sf"], rows)


def noncentral_tables():
    rows = []
    for nu in (0.5, 3.0, 10.5, 50.0, 1e3, 1e5):
        for delta in (0.0, 0.5, 2.8, 6.0, 20.0, 37.0):
            spread = math.sqrt(1 + delta * delta / (2 * nu))
            for t in sorted({delta + z * spread for z in (-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 9.0)} | {-5.0, 0.1, 60.0}):
                # With many degrees of freedom and a large effect the series takes a day; the law is then near the normal.
                if nu >= 1e5 and abs(t) > 15:
                    continue
                lower, upper = nct_tails(t, nu, delta)
                if min(lower, upper) > mpf(10) ** -600:
                    rows.append((nu, delta, t, lower, upper) + logs(lower, upper))
    write("noncentral_t.csv", ["df", "noncentrality", "t", "cdf", "sf", "ln_cdf", "ln_sf"], rows)
    rows = []
    for df in (0.5, 1.0, 3.0, 20.0, 1e3):
        for lam in (0.0, 0.3, 8.0, 60.0, 900.0, 1e4):
            mean, sd = df + lam, math.sqrt(2 * df + 4 * lam)
            for x in sorted(x for x in {mean + z * sd for z in (-8.0, -3.0, -1.0, 0.0, 1.0, 4.0, 15.0)} | {1e-3, 1.0} if x > 0):
                lower, upper = ncchi_tails(x, df, lam)
                if min(lower, upper) > mpf(10) ** -600:
                    rows.append((df, lam, x, lower, upper) + logs(lower, upper))
    write("noncentral_chi_squared.csv", ["df", "noncentrality", "x", "cdf", "sf", "ln_cdf", "ln_sf"], rows)
    rows = []
    for d1 in (1.0, 3.0, 20.0):
        for d2 in (2.0, 15.0, 76.0, 2e3):
            for lam in (0.0, 0.7, 9.0, 80.0, 600.0):
                for x in (0.01, 0.3, 1.0, 1 + lam / d1, 2.7, 8.0, 1 + 2.5 * lam / d1, 60.0):
                    lower, upper = ncf_tails(mpf(x), d1, d2, lam)
                    if min(lower, upper) > mpf(10) ** -600:
                        rows.append((d1, d2, lam, x, lower, upper) + logs(lower, upper))
    write("noncentral_f.csv", ["d1", "d2", "noncentrality", "x", "cdf", "sf", "ln_cdf", "ln_sf"], rows)


def range_tables():
    rows = []
    with mp.workdps(30):
        for k, nu, q in [(k, nu, q) for k, qs in ((2, (1.5, 5.0)), (3, (1.0, 4.5)), (10, (2.5, 6.0)), (60, (3.0, 7.0)))
                         for nu in (5.0, 40.0, 300.0) for q in qs if (k, nu, q) != (60, 5.0, 7.0)]:  # the slowest by far
            sf = studentized_range_sf(q, k, nu)
            rows.append((float(k), nu, q, sf, 1 - sf))
    write("studentized_range.csv", ["k", "df", "q", "sf", "cdf"], rows)


def bivariate_table():
    rows = []
    with mp.workdps(40):
        for r in (-0.9999, -0.95, -0.9, -0.5, -0.1, 0.01, 0.3, 0.7, 0.92, 0.93, 0.99, 0.999999):
            for h, k in [(0.0, 0.0), (-1.5, 0.4), (1.0, 2.0), (2.5, -2.5), (3.0, 3.1), (-4.0, -0.2), (6.0, 5.0)]:
                rows.append((r, h, k, bivariate_upper(h, k, r)))
    write("bivariate_normal.csv", ["r", "h", "k", "upper"], rows)


if __name__ == "__main__":
    self_check()
    normal_tables()
    t_tables()
    chi_tables()
    beta_tables()
    count_tables()
    noncentral_tables()
    range_tables()
    bivariate_table()

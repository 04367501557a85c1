/* The floor under compiled functions: what one writes by hand, with the steps that fastcalc takes, and calls a function
 * through a pointer as fastcalc must. Each is repeated in C, so that nothing of Python is in the floor. */

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef double function(int, double *);
typedef double counted(int, double *, void *);
typedef double of_one_variable(double);

double rosenbrock(int n, double *x)
{
    double sum = 0.0;
    for (int i = 0; i + 1 < n; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        sum += 100.0 * a * a + b * b;
    }
    return sum;
}

double rosenbrock_counted(int n, double *x, void *data)
{
    ++*(long *)data;
    return rosenbrock(n, x);
}

double series(int n, double *x)  /* about 10 us for n = 100 */
{
    double sum = 0.0;
    for (int k = 1; k <= 17; k++)
        for (int i = 0; i < n; i++)
            sum += sin(k * x[i]) / k;
    return sum;
}

double wave(double x)
{
    return exp(-0.5 * x) * sin(3.0 * x);
}

double wave_counted(double x, void *data)
{
    ++*(long *)data;
    return wave(x);
}

double parabola(double x)
{
    return x * x - 3.0 * x;
}

double parabola_counted(double x, void *data)
{
    ++*(long *)data;
    return parabola(x);
}

static double step(double x, double relative)
{
    double size = fabs(x), h = relative * size;
    if (h == 0.0)
        h = relative;
    return (size + h) - size;
}

void gradient(long times, function *f, int n, const double *x, double *point, double *out)
{
    const double relative = pow(0x1p-52, 1.0 / 3.0);
    while (times-- > 0) {
        memcpy(point, x, (size_t)n * sizeof(double));
        for (int i = 0; i < n; i++) {
            double h = step(x[i], relative), up;
            point[i] = x[i] + h;
            up = f(n, point);
            point[i] = x[i] - h;
            out[i] = (up - f(n, point)) / (2.0 * h);
            point[i] = x[i];
        }
    }
}

/* f(x), f(x +- h_i e_i), f(x +- (h_i e_i + h_j e_j)): 1 + n + n**2 calls; h: [3 * n] */
void hessian(long times, function *f, int n, const double *x, double *point, double *h, double *out)
{
    const double relative = pow(0x1p-52, 0.25);
    double *up = h + n, *down = up + n;
    while (times-- > 0) {
        memcpy(point, x, (size_t)n * sizeof(double));
        double centre = f(n, point);
        for (int i = 0; i < n; i++) {
            h[i] = step(x[i], relative);
            point[i] = x[i] + h[i];
            up[i] = f(n, point);
            point[i] = x[i] - h[i];
            down[i] = f(n, point);
            point[i] = x[i];
            out[i * n + i] = ((up[i] - centre) + (down[i] - centre)) / (h[i] * h[i]);
        }
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++) {
                double both, rest = up[i] + up[j] - 2.0 * centre + down[i] + down[j];
                point[i] = x[i] + h[i];
                point[j] = x[j] + h[j];
                both = f(n, point);
                point[i] = x[i] - h[i];
                point[j] = x[j] - h[j];
                both += f(n, point);
                point[i] = x[i];
                point[j] = x[j];
                out[i * n + j] = out[j * n + i] = (both - rest) / (2.0 * h[i] * h[j]);
            }
    }
}

/* gradients at the points x[n, k] */
void gradients(long times, function *f, int n, long k, const double *x, double *point, double *out)
{
    const double relative = pow(0x1p-52, 1.0 / 3.0);
    while (times-- > 0)
        for (long b = 0; b < k; b++) {
            for (int i = 0; i < n; i++)
                point[i] = x[i * k + b];
            for (int i = 0; i < n; i++) {
                double centre = point[i], h = step(centre, relative), up;
                point[i] = centre + h;
                up = f(n, point);
                point[i] = centre - h;
                out[i * k + b] = (up - f(n, point)) / (2.0 * h);
                point[i] = centre;
            }
        }
}

/* so many calls */
double calls(long times, of_one_variable *f, long count, double x)
{
    double sum = 0.0;
    while (times-- > 0)
        for (long i = 0; i < count; i++)
            sum += f(x + 1e-3 * (double)i);
    return sum;
}

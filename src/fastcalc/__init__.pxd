# For Cython code: fastcalc.native. All other declarations are private.

"""Side-by-side timings, and longer versions of checks that the tests make on small cases."""

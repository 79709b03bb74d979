"""Side-by-side timings, and long checks of what tests hold on small cases."""

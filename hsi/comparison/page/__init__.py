"""comparison.html: many finished runs side by side on a page that needs nothing else."""

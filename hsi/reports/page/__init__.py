"""report.html: a run as one page that needs no network, to be looked at pixel by pixel."""

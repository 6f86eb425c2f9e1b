"""What is shown to everybody: badges, pages and charts, as files for any web server."""

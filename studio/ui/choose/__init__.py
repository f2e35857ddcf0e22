"""The Choose page: charts, tables and details of a sweep's candidates."""

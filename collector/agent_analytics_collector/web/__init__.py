"""What pages show: charts from the answers of dashboards' questions, and the files they need."""

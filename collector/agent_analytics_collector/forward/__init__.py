"""Accepted requests sent on: to the team's server, or to where telemetry went before."""

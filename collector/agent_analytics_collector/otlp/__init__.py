"""OTLP over gRPC and HTTP: parsing, validating and turning requests into rows."""

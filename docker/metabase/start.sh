#!/bin/sh
# Starts Metabase with the DuckDB driver of this image.
#
# The volume outlives the image that it was made from, so the driver is put into it at each start.
# What a process that was killed unpacked there goes.
set -eu
program=$(dirname "$0")
data=${METABASE_DATA:?names the folder that Metabase may write}
plugins=${MB_PLUGINS_DIR:?names the folder of the drivers}
rm -rf "$data/tmp"
mkdir -p "$data/tmp" "$plugins"
cp -f "$program/duckdb.metabase-driver.jar" "$plugins/"
# --add-opens: as Metabase's own image runs it.
exec java --add-opens java.base/java.nio=ALL-UNNAMED -Djava.io.tmpdir="$data/tmp" \
    -jar "$program/metabase.jar"

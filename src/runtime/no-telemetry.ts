/**
 * Imported before onnxruntime-node: its Linux builds send telemetry unless this variable says no, and write files of it
 * into TMPDIR.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

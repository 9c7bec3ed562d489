/**
 * Imported before onnxruntime-node: its Linux builds send telemetry unless this variable disables it, and write
 * telemetry files into TMPDIR.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

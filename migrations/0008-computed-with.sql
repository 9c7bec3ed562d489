-- What an expansion was computed with: JSON of device, threads and batch size; null before it is ready, and in old rows.

ALTER TABLE expansions ADD COLUMN computed_with TEXT;

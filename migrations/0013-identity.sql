-- Which database this is, and which of its generations: what it makes in the data folder is its own as long as the
-- folder names both (src/sqlite/folder-mark.ts). A copy of it that is restored is another generation.

ALTER TABLE installation ADD COLUMN database_id TEXT NOT NULL DEFAULT '';
ALTER TABLE installation ADD COLUMN generation TEXT NOT NULL DEFAULT '';
UPDATE installation SET database_id = lower(hex(randomblob(16))), generation = lower(hex(randomblob(16)));

-- title: No party stands above itself
WITH RECURSIVE up AS (
    SELECT id AS start, parent_id AS at FROM party WHERE parent_id IS NOT NULL
    UNION
    SELECT up.start, p.parent_id FROM up JOIN party p ON p.id = up.at
     WHERE up.at <> up.start AND p.parent_id IS NOT NULL
)
SELECT start AS party_id FROM up WHERE at = start

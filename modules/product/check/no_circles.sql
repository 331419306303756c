-- title: No item category stands above itself
WITH RECURSIVE up AS (
    SELECT id AS start, parent_id AS at FROM item_category WHERE parent_id IS NOT NULL
    UNION
    SELECT up.start, c.parent_id FROM up JOIN item_category c ON c.id = up.at
     WHERE up.at <> up.start AND c.parent_id IS NOT NULL
)
SELECT start AS category_id FROM up WHERE at = start

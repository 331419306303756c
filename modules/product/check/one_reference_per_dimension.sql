-- title: Every dimension with ratios has a unit of ratio one, to which the others refer
SELECT dimension FROM uom WHERE numerator IS NOT NULL
 GROUP BY dimension HAVING NOT bool_or(numerator = denominator)

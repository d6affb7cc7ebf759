-- setup

-- test
BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 1975ea83b712

CREATE TYPE itemstatus AS ENUM ('draft', 'active', 'retired');

CREATE TABLE warehouse (
    id SERIAL NOT NULL, 
    code VARCHAR(8) NOT NULL, 
    location JSON, 
    PRIMARY KEY (id), 
    UNIQUE (code)
);

CREATE TABLE item (
    id SERIAL NOT NULL, 
    sku VARCHAR(32) NOT NULL, 
    status itemstatus DEFAULT 'draft' NOT NULL, 
    weight FLOAT, 
    warehouse_id INTEGER, 
    attrs JSON, 
    PRIMARY KEY (id), 
    FOREIGN KEY(warehouse_id) REFERENCES warehouse (id)
);

CREATE UNIQUE INDEX ix_item_sku ON item (sku);

INSERT INTO alembic_version (version_num) VALUES ('1975ea83b712') RETURNING alembic_version.version_num;

COMMIT;

INSERT INTO warehouse (code, location) VALUES ('BER', '{"lat": 52.5}'), ('MUC', NULL);
INSERT INTO item (sku, weight, warehouse_id, attrs)
SELECT 'SKU' || lpad(g::text, 5, '0'), g * 0.5, 1 + g % 2, json_build_object('n', g) FROM generate_series(1, 120) g;

BEGIN;

-- Running upgrade 1975ea83b712 -> 27c6a30d7c24  (json -> jsonb)

ALTER TABLE item ALTER COLUMN attrs TYPE JSONB USING attrs::jsonb;
ALTER TABLE warehouse ALTER COLUMN location TYPE JSONB USING location::jsonb;
CREATE INDEX ix_item_attrs ON item USING gin (attrs);
UPDATE alembic_version SET version_num='27c6a30d7c24' WHERE alembic_version.version_num = '1975ea83b712';

COMMIT;

BEGIN;

-- Running upgrade 27c6a30d7c24 -> 3f5d9c1e8a10  (enum: rename-swap, the alembic way)

ALTER TYPE itemstatus RENAME TO itemstatus_old;
CREATE TYPE itemstatus AS ENUM ('draft', 'active', 'blocked');
ALTER TABLE item ALTER COLUMN status DROP DEFAULT;
ALTER TABLE item ALTER COLUMN status TYPE itemstatus USING status::text::itemstatus;
ALTER TABLE item ALTER COLUMN status SET DEFAULT 'draft'::itemstatus;
DROP TYPE itemstatus_old;
UPDATE alembic_version SET version_num='3f5d9c1e8a10' WHERE alembic_version.version_num = '27c6a30d7c24';

COMMIT;

BEGIN;

-- Running upgrade 3f5d9c1e8a10 -> 4b1e  (uuid key, drop float)

ALTER TABLE item ADD COLUMN public_id UUID;
UPDATE item SET public_id = gen_random_uuid();
ALTER TABLE item ALTER COLUMN public_id SET NOT NULL;
ALTER TABLE item ADD CONSTRAINT uq_item_public_id UNIQUE (public_id);
ALTER TABLE item ADD COLUMN weight_g INTEGER;
UPDATE item SET weight_g=(item.weight * 1000)::int WHERE item.weight IS NOT NULL;
ALTER TABLE item DROP COLUMN weight;
ALTER TABLE item DROP CONSTRAINT item_warehouse_id_fkey;
ALTER TABLE item ADD CONSTRAINT fk_item_warehouse FOREIGN KEY(warehouse_id) REFERENCES warehouse (id) ON DELETE SET NULL;
UPDATE alembic_version SET version_num='4b1e' WHERE alembic_version.version_num = '3f5d9c1e8a10';

COMMIT;

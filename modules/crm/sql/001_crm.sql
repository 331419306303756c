-- Customer relations: leads from their source to their conversion, opportunities in the stages
-- of several pipelines. Whom they are about is a party; what is sold becomes a sales order.

-- ------------------------------------------------------------------ vocabulary of the group
CREATE TABLE lead_source (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL CONSTRAINT lead_source_code_unique UNIQUE,
    name    text NOT NULL,
    name_zh text,
    active  boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE lead_source IS 'Lead source: where leads come from';
COMMENT ON COLUMN lead_source.code IS 'Code';
COMMENT ON COLUMN lead_source.name IS 'Name';
COMMENT ON COLUMN lead_source.name_zh IS 'Chinese name';
COMMENT ON COLUMN lead_source.active IS 'Active';
COMMENT ON CONSTRAINT lead_source_code_unique ON lead_source IS 'Another source has this code already';
CALL table_register('lead_source', 'table');

INSERT INTO lead_source (code, name, name_zh) VALUES
    ('web', 'Web form', '网站表单'), ('email', 'E-mail', '电子邮件'), ('phone', 'Phone', '电话'),
    ('fair', 'Trade fair', '展会'), ('card', 'Business card', '名片'), ('referral', 'Referral', '推荐'),
    ('partner', 'Partner', '合作伙伴'), ('advertising', 'Advertising', '广告'), ('import', 'Import', '导入'),
    ('customer', 'Existing customer', '老客户'), ('other', 'Other', '其他');

CREATE TABLE lost_reason (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL CONSTRAINT lost_reason_code_unique UNIQUE,
    name    text NOT NULL,
    name_zh text,
    won     boolean NOT NULL DEFAULT false,
    active  boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE lost_reason IS 'Reason: why a lead or an opportunity was lost or won';
COMMENT ON COLUMN lost_reason.code IS 'Code';
COMMENT ON COLUMN lost_reason.name IS 'Name';
COMMENT ON COLUMN lost_reason.name_zh IS 'Chinese name';
COMMENT ON COLUMN lost_reason.won IS 'For winning: a reason for success';
COMMENT ON COLUMN lost_reason.active IS 'Active';
COMMENT ON CONSTRAINT lost_reason_code_unique ON lost_reason IS 'Another reason has this code already';
CALL table_register('lost_reason', 'table');

INSERT INTO lost_reason (code, won, name, name_zh) VALUES
    ('price', false, 'Price too high', '价格过高'), ('competitor', false, 'Bought from a competitor', '选择竞争对手'),
    ('delivery', false, 'Delivery too late', '交期过长'), ('fit', false, 'Product does not fit', '产品不合适'),
    ('budget', false, 'No budget', '没有预算'), ('no_answer', false, 'No answer', '没有回复'),
    ('not_serious', false, 'No real interest', '并无意向'), ('duplicate', false, 'Duplicate', '重复'),
    ('won_price', true, 'Won by price', '价格优势'), ('won_quality', true, 'Won by quality', '质量优势'),
    ('won_service', true, 'Won by service', '服务优势'), ('won_delivery', true, 'Won by delivery', '交期优势');

-- ------------------------------------------------------------------ teams and pipelines
CREATE TABLE sales_team (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name       text NOT NULL,
    name_zh    text,
    leader_id  bigint REFERENCES app_user,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT sales_team_name_unique UNIQUE (company_id, name)
);
COMMENT ON TABLE sales_team IS 'Sales team';
COMMENT ON COLUMN sales_team.name IS 'Name';
COMMENT ON COLUMN sales_team.name_zh IS 'Chinese name';
COMMENT ON COLUMN sales_team.leader_id IS 'Leader';
COMMENT ON COLUMN sales_team.active IS 'Active';
COMMENT ON CONSTRAINT sales_team_name_unique ON sales_team IS 'Another team has this name already';
CALL table_register('sales_team', 'table');

CREATE TABLE sales_team_member (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    sales_team_id bigint NOT NULL,
    user_id       bigint NOT NULL REFERENCES app_user,
    UNIQUE (company_id, id),
    CONSTRAINT sales_team_member_once UNIQUE (sales_team_id, user_id),
    FOREIGN KEY (company_id, sales_team_id) REFERENCES sales_team (company_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE sales_team_member IS 'Team member';
COMMENT ON COLUMN sales_team_member.sales_team_id IS 'Sales team';
COMMENT ON COLUMN sales_team_member.user_id IS 'User';
COMMENT ON CONSTRAINT sales_team_member_once ON sales_team_member IS 'This user is in the team already';
CALL table_register('sales_team_member', 'table');

CREATE TABLE pipeline (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL,
    name       text NOT NULL,
    name_zh    text,
    is_default boolean NOT NULL DEFAULT false,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT pipeline_code_unique UNIQUE (company_id, code)
);
CREATE UNIQUE INDEX pipeline_one_default ON pipeline (company_id) WHERE is_default;
COMMENT ON TABLE pipeline IS 'Pipeline: the stages that one kind of opportunity goes through';
COMMENT ON COLUMN pipeline.code IS 'Code';
COMMENT ON COLUMN pipeline.name IS 'Name';
COMMENT ON COLUMN pipeline.name_zh IS 'Chinese name';
COMMENT ON COLUMN pipeline.is_default IS 'Default: for opportunities that name none';
COMMENT ON COLUMN pipeline.active IS 'Active';
COMMENT ON CONSTRAINT pipeline_code_unique ON pipeline IS 'Another pipeline has this code already';
COMMENT ON INDEX pipeline_one_default IS 'Another pipeline is the default';
CALL table_register('pipeline', 'table');

CREATE TABLE pipeline_stage (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    pipeline_id bigint NOT NULL,
    position    integer NOT NULL DEFAULT 1,
    name        text NOT NULL,
    name_zh     text,
    probability percent NOT NULL DEFAULT 0 CONSTRAINT pipeline_stage_probability CHECK (probability BETWEEN 0 AND 100),
    target_days integer CONSTRAINT pipeline_stage_target_days CHECK (target_days > 0),
    UNIQUE (company_id, id),
    UNIQUE (company_id, pipeline_id, id),
    CONSTRAINT pipeline_stage_position UNIQUE (pipeline_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT pipeline_stage_name UNIQUE (pipeline_id, name) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (company_id, pipeline_id) REFERENCES pipeline (company_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE pipeline_stage IS 'Stage';
COMMENT ON COLUMN pipeline_stage.pipeline_id IS 'Pipeline';
COMMENT ON COLUMN pipeline_stage.position IS 'Position';
COMMENT ON COLUMN pipeline_stage.name IS 'Name';
COMMENT ON COLUMN pipeline_stage.name_zh IS 'Chinese name';
COMMENT ON COLUMN pipeline_stage.probability IS 'Probability: of winning what stands here, in percent';
COMMENT ON COLUMN pipeline_stage.target_days IS 'Target days: how long an opportunity should stay';
COMMENT ON CONSTRAINT pipeline_stage_probability ON pipeline_stage IS 'A probability is between 0 and 100';
COMMENT ON CONSTRAINT pipeline_stage_target_days ON pipeline_stage IS 'The target is at least one day';
COMMENT ON CONSTRAINT pipeline_stage_position ON pipeline_stage IS 'Another stage stands at this position';
COMMENT ON CONSTRAINT pipeline_stage_name ON pipeline_stage IS 'Another stage of this pipeline has this name';
CALL table_register('pipeline_stage', 'table');

INSERT INTO company_setup (module, position, function) VALUES ('crm', 70, 'crm_company_setup');

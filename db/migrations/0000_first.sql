CREATE TABLE "link_versions" (
	"link_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"configuration" jsonb NOT NULL,
	"author" text NOT NULL,
	"comment" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "link_versions_link_id_version_pk" PRIMARY KEY("link_id","version")
);
--> statement-breakpoint
CREATE TABLE "links" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"workspace_id" uuid NOT NULL,
	"endpoint_pair_id" uuid NOT NULL,
	"bridge_id" text NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"mode" text DEFAULT 'manual' NOT NULL,
	"paused" boolean DEFAULT false NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"activity" text DEFAULT 'idle' NOT NULL,
	"health" text DEFAULT 'ok' NOT NULL,
	"health_message" text,
	"check_state" text DEFAULT 'needed' NOT NULL,
	"checked_version" integer,
	"current_run" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "bridges" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"public_key" jsonb NOT NULL,
	"build" text,
	"seen_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credentials" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"sealed" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "endpoint_pairs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"left_id" uuid NOT NULL,
	"right_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "endpoint_pairs_ends" UNIQUE("left_id","right_id")
);
--> statement-breakpoint
CREATE TABLE "endpoints" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"address" jsonb NOT NULL,
	"credential_id" uuid NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"tested_at" timestamp with time zone,
	"test_report" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "endpoints_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "members" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"workspace_id" uuid NOT NULL,
	"person" text NOT NULL,
	"role" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_person" UNIQUE("workspace_id","person")
);
--> statement-breakpoint
CREATE TABLE "user_mappings" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"endpoint_pair_id" uuid NOT NULL,
	"left_key" text,
	"right_key" text,
	"direction" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "workspaces" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"place" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workspaces_place_unique" UNIQUE("place")
);
--> statement-breakpoint
CREATE TABLE "claims" (
	"link_id" uuid NOT NULL,
	"key" text NOT NULL,
	"token" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"lease_until" timestamp with time zone NOT NULL,
	"grace_until" timestamp with time zone NOT NULL,
	"due" jsonb DEFAULT '[]'::jsonb NOT NULL,
	CONSTRAINT "claims_link_id_key_pk" PRIMARY KEY("link_id","key")
);
--> statement-breakpoint
CREATE TABLE "conflicts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"link_id" uuid NOT NULL,
	"pair_id" uuid NOT NULL,
	"mapping_id" text NOT NULL,
	"first_seen" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone,
	"resolution" jsonb,
	CONSTRAINT "conflicts_open" UNIQUE("pair_id","mapping_id","resolved_at")
);
--> statement-breakpoint
CREATE TABLE "intents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"link_id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"token" uuid NOT NULL,
	"version" integer NOT NULL,
	"key" text NOT NULL,
	"action" text NOT NULL,
	"side" text NOT NULL,
	"target_id" text,
	"source_id" text NOT NULL,
	"stamp_before" jsonb,
	"fields" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pairs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"endpoint_pair_id" uuid NOT NULL,
	"entity_type" text NOT NULL,
	"left_id" text NOT NULL,
	"right_id" text NOT NULL,
	"base" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pending" (
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"reason" text NOT NULL,
	"first_seen" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"class" text,
	"revision" bigint DEFAULT 1 NOT NULL,
	"queued_version" bigint,
	"queued_modified" text,
	CONSTRAINT "pending_link_id_side_external_id_pk" PRIMARY KEY("link_id","side","external_id")
);
--> statement-breakpoint
CREATE TABLE "records" (
	"endpoint_id" uuid NOT NULL,
	"entity_type" text NOT NULL,
	"external_id" text NOT NULL,
	"seen_version" bigint,
	"seen_modified" text,
	"decision" text,
	"pair_id" uuid,
	CONSTRAINT "records_endpoint_id_entity_type_external_id_pk" PRIMARY KEY("endpoint_id","entity_type","external_id")
);
--> statement-breakpoint
CREATE TABLE "scan_epochs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp with time zone,
	"rows" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "scan_positions" (
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"since" text,
	"newest" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scan_positions_link_id_side_pk" PRIMARY KEY("link_id","side")
);
--> statement-breakpoint
CREATE TABLE "store_calls" (
	"id" uuid PRIMARY KEY NOT NULL,
	"answer" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "unresolved_references" (
	"endpoint_pair_id" uuid NOT NULL,
	"pair_id" uuid NOT NULL,
	"mapping_id" text NOT NULL,
	"side" text NOT NULL,
	"target_type" text NOT NULL,
	"target_id" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "unresolved_references_pair_id_mapping_id_side_pk" PRIMARY KEY("pair_id","mapping_id","side")
);
--> statement-breakpoint
CREATE TABLE "issues" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"link_id" uuid NOT NULL,
	"key" text NOT NULL,
	"left_id" text,
	"right_id" text,
	"class" text NOT NULL,
	"code" text NOT NULL,
	"severity" text DEFAULT 'error' NOT NULL,
	"side" text,
	"field" text DEFAULT '' NOT NULL,
	"mapping_id" text,
	"message" text NOT NULL,
	"remedy" text NOT NULL,
	"first_run_id" uuid NOT NULL,
	"last_run_id" uuid NOT NULL,
	"first_seen" timestamp with time zone DEFAULT now() NOT NULL,
	"last_seen" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 1 NOT NULL,
	"next_attempt" timestamp with time zone,
	"resolved_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "run_findings" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"passed" integer NOT NULL,
	"findings" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"link_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"trigger" text NOT NULL,
	"actor" text NOT NULL,
	"version" integer NOT NULL,
	"status" text DEFAULT 'running' NOT NULL,
	"counters" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"message" text,
	"workflow_id" text NOT NULL,
	"temporal_run_id" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "simulated_items" (
	"run_id" uuid NOT NULL,
	"page" integer NOT NULL,
	"position" integer NOT NULL,
	"action" text NOT NULL,
	"item" jsonb NOT NULL,
	CONSTRAINT "simulated_items_run_id_page_position_pk" PRIMARY KEY("run_id","page","position")
);
--> statement-breakpoint
CREATE TABLE "watch_hours" (
	"link_id" uuid NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"quiet" integer DEFAULT 0 NOT NULL,
	"changed" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "watch_hours_link_id_hour_pk" PRIMARY KEY("link_id","hour")
);
--> statement-breakpoint
CREATE TABLE "answers" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"bridge_id" text NOT NULL,
	"question" jsonb NOT NULL,
	"answer" jsonb,
	"problem" jsonb,
	"answered_at" timestamp with time zone,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"key" text PRIMARY KEY NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer,
	"body" jsonb,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notification_settings" (
	"workspace_id" uuid PRIMARY KEY NOT NULL,
	"issue_recipients" jsonb DEFAULT '[]'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"kind" text NOT NULL,
	"link_id" uuid,
	"run_id" uuid,
	"dedupe_key" text NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	CONSTRAINT "outbox_dedupe_key_unique" UNIQUE("dedupe_key")
);
--> statement-breakpoint
ALTER TABLE "link_versions" ADD CONSTRAINT "link_versions_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_bridge_id_bridges_id_fk" FOREIGN KEY ("bridge_id") REFERENCES "public"."bridges"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "endpoint_pairs" ADD CONSTRAINT "endpoint_pairs_left_id_endpoints_id_fk" FOREIGN KEY ("left_id") REFERENCES "public"."endpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "endpoint_pairs" ADD CONSTRAINT "endpoint_pairs_right_id_endpoints_id_fk" FOREIGN KEY ("right_id") REFERENCES "public"."endpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "endpoints" ADD CONSTRAINT "endpoints_credential_id_credentials_id_fk" FOREIGN KEY ("credential_id") REFERENCES "public"."credentials"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "user_mappings" ADD CONSTRAINT "user_mappings_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "claims" ADD CONSTRAINT "claims_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conflicts" ADD CONSTRAINT "conflicts_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conflicts" ADD CONSTRAINT "conflicts_pair_id_pairs_id_fk" FOREIGN KEY ("pair_id") REFERENCES "public"."pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "intents" ADD CONSTRAINT "intents_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pairs" ADD CONSTRAINT "pairs_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pending" ADD CONSTRAINT "pending_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "records" ADD CONSTRAINT "records_endpoint_id_endpoints_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."endpoints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "records" ADD CONSTRAINT "records_pair_id_pairs_id_fk" FOREIGN KEY ("pair_id") REFERENCES "public"."pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scan_epochs" ADD CONSTRAINT "scan_epochs_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD CONSTRAINT "scan_positions_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "unresolved_references" ADD CONSTRAINT "unresolved_references_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "unresolved_references" ADD CONSTRAINT "unresolved_references_pair_id_pairs_id_fk" FOREIGN KEY ("pair_id") REFERENCES "public"."pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "issues" ADD CONSTRAINT "issues_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_findings" ADD CONSTRAINT "run_findings_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "simulated_items" ADD CONSTRAINT "simulated_items_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "watch_hours" ADD CONSTRAINT "watch_hours_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notification_settings" ADD CONSTRAINT "notification_settings_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "links_name" ON "links" USING btree ("name") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "links_created" ON "links" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "claims_token" ON "claims" USING btree ("token");--> statement-breakpoint
CREATE INDEX "intents_key" ON "intents" USING btree ("link_id","key");--> statement-breakpoint
CREATE INDEX "intents_source" ON "intents" USING btree ("link_id","side","source_id");--> statement-breakpoint
CREATE UNIQUE INDEX "pairs_left" ON "pairs" USING btree ("endpoint_pair_id","entity_type","left_id");--> statement-breakpoint
CREATE UNIQUE INDEX "pairs_right" ON "pairs" USING btree ("endpoint_pair_id","entity_type","right_id");--> statement-breakpoint
CREATE INDEX "pending_due" ON "pending" USING btree ("link_id","next_attempt_at","side","external_id");--> statement-breakpoint
CREATE INDEX "records_pair" ON "records" USING btree ("pair_id");--> statement-breakpoint
CREATE UNIQUE INDEX "issues_open" ON "issues" USING btree ("link_id","key","code","field") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "issues_link" ON "issues" USING btree ("link_id","last_seen","id");--> statement-breakpoint
CREATE INDEX "runs_link" ON "runs" USING btree ("link_id","started_at","id");--> statement-breakpoint
CREATE INDEX "runs_started" ON "runs" USING btree ("started_at","id");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "outbox" USING btree ("next_attempt_at") WHERE state = 'waiting';
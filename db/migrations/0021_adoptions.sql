CREATE TABLE "adoption_pairs" (
	"adoption_id" uuid NOT NULL,
	"left_id" text NOT NULL,
	"right_id" text NOT NULL,
	"line" integer,
	"state" text NOT NULL,
	"reason" text,
	"fields" jsonb,
	CONSTRAINT "adoption_pairs_adoption_id_left_id_right_id_pk" PRIMARY KEY("adoption_id","left_id","right_id")
);
--> statement-breakpoint
CREATE TABLE "adoption_records" (
	"adoption_id" uuid NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"title" text NOT NULL,
	"type" text,
	"number" text NOT NULL,
	"ref" text,
	"unreadable" text,
	"key" text,
	"names" text,
	"in_scope" boolean,
	"paired" boolean DEFAULT false NOT NULL,
	"named" boolean DEFAULT false NOT NULL,
	CONSTRAINT "adoption_records_adoption_id_side_external_id_pk" PRIMARY KEY("adoption_id","side","external_id")
);
--> statement-breakpoint
CREATE TABLE "adoptions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"link_id" uuid NOT NULL,
	"settings" jsonb NOT NULL,
	"status" text DEFAULT 'asked' NOT NULL,
	"version" integer,
	"actor" text NOT NULL,
	"run_id" uuid,
	"differences" text,
	"summary" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ready_at" timestamp with time zone,
	"accepted_at" timestamp with time zone,
	"accepted_by" text,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "adoption_pairs" ADD CONSTRAINT "adoption_pairs_adoption_id_adoptions_id_fk" FOREIGN KEY ("adoption_id") REFERENCES "public"."adoptions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adoption_records" ADD CONSTRAINT "adoption_records_adoption_id_adoptions_id_fk" FOREIGN KEY ("adoption_id") REFERENCES "public"."adoptions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adoptions" ADD CONSTRAINT "adoptions_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "adoption_pairs_right" ON "adoption_pairs" USING btree ("adoption_id","right_id");--> statement-breakpoint
CREATE INDEX "adoption_pairs_state" ON "adoption_pairs" USING btree ("adoption_id","state","left_id","right_id");--> statement-breakpoint
CREATE INDEX "adoption_records_number" ON "adoption_records" USING btree ("adoption_id","side","number");--> statement-breakpoint
CREATE INDEX "adoption_records_key" ON "adoption_records" USING btree ("adoption_id","key") WHERE key is not null;--> statement-breakpoint
CREATE INDEX "adoptions_link" ON "adoptions" USING btree ("link_id","created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "adoptions_accepted" ON "adoptions" USING btree ("link_id") WHERE status = 'accepted';
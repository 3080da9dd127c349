CREATE TABLE "waiting_references" (
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"endpoint_pair_id" uuid NOT NULL,
	"target_kind" text NOT NULL,
	"target_side" text NOT NULL,
	"target_id" text NOT NULL,
	CONSTRAINT "waiting_references_pk" PRIMARY KEY("link_id","side","external_id","target_kind","target_side","target_id")
);
--> statement-breakpoint
DROP TABLE "unresolved_references" CASCADE;--> statement-breakpoint
ALTER TABLE "waiting_references" ADD CONSTRAINT "waiting_references_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "waiting_references" ADD CONSTRAINT "waiting_references_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "waiting_references_target" ON "waiting_references" USING btree ("endpoint_pair_id","target_kind","target_side","target_id");
CREATE TABLE "overwrite_guards" (
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"windows" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"overwrites" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "overwrite_guards_link_id_side_pk" PRIMARY KEY("link_id","side")
);
--> statement-breakpoint
ALTER TABLE "overwrite_guards" ADD CONSTRAINT "overwrite_guards_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;
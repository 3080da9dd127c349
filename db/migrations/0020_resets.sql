ALTER TABLE "conflicts" ADD COLUMN "values_since" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "rescan_from" text;
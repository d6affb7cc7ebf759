-- setup
-- prisma/migrations/20220101000000_init/migration.sql
-- CreateEnum
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');

-- CreateTable
CREATE TABLE "User" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "role" "Role" NOT NULL DEFAULT 'USER',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Team" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "ownerId" TEXT NOT NULL,

    CONSTRAINT "Team_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "_TeamToUser" ("A" INTEGER NOT NULL, "B" TEXT NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
-- CreateIndex
CREATE UNIQUE INDEX "_TeamToUser_AB_unique" ON "_TeamToUser"("A", "B");
-- CreateIndex
CREATE INDEX "_TeamToUser_B_index" ON "_TeamToUser"("B");
-- test

-- AddForeignKey
ALTER TABLE "Team" ADD CONSTRAINT "Team_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
-- AddForeignKey
ALTER TABLE "_TeamToUser" ADD CONSTRAINT "_TeamToUser_A_fkey" FOREIGN KEY ("A") REFERENCES "Team"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "_TeamToUser" ADD CONSTRAINT "_TeamToUser_B_fkey" FOREIGN KEY ("B") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

INSERT INTO "User" ("id", "email", "role") VALUES ('u1', 'a@x.io', 'ADMIN'), ('u2', 'b@x.io', 'USER'), ('u3', 'c@x.io', 'USER');
INSERT INTO "Team" ("name", "ownerId") VALUES ('core', 'u1'), ('core', 'u2');
INSERT INTO "_TeamToUser" VALUES (1, 'u1'), (1, 'u2'), (2, 'u3');

-- hand-edited: someone forgot the quotes
-- fails: relation "team" does not exist (unquoted)
ALTER TABLE Team ADD COLUMN slug TEXT;
-- fails: user is a reserved word, syntax error
UPDATE User SET role = 'USER';

-- prisma/migrations/20220301_team_unique
-- fails: duplicate names, unique index cannot be built
CREATE UNIQUE INDEX "Team_name_key" ON "Team"("name");
UPDATE "Team" SET "name" = "name" || '-' || "id";
CREATE UNIQUE INDEX "Team_name_key" ON "Team"("name");

/*
  Warnings:
  - Added the required column `plan` to the `Team` table without a default value. This is not possible if the table is not empty.
*/
-- AlterTable
-- fails: column contains null values
ALTER TABLE "Team" ADD COLUMN "plan" TEXT NOT NULL;
ALTER TABLE "Team" ADD COLUMN     "plan" TEXT NOT NULL DEFAULT 'free',
ADD COLUMN     "deletedAt" TIMESTAMP(3);

/*
  Warnings:
  - The values [USER] on the enum `Role` will be removed. If these variants are still used in the database, this will fail.
*/
-- AlterEnum
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('MEMBER', 'ADMIN');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
-- fails: invalid input value for enum "Role_new": "USER"
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ROLLBACK;
ALTER TYPE "Role" RENAME VALUE 'USER' TO 'MEMBER';
-- fails: the old label is gone
INSERT INTO "User" ("id", "email", "role") VALUES ('u4', 'd@x.io', 'USER');

/*
  Warnings:
  - You are about to drop the column `ownerId` on the `Team` table. All the data in the column will be lost.
*/
-- DropForeignKey
ALTER TABLE "Team" DROP CONSTRAINT "Team_ownerId_fkey";
-- AlterTable
ALTER TABLE "Team" DROP COLUMN "ownerId";
-- DropTable
DROP TABLE "_TeamToUser";

-- AlterTable
ALTER TABLE "User" ALTER COLUMN "createdAt" SET DATA TYPE TIMESTAMPTZ(3), ALTER COLUMN "email" SET DATA TYPE VARCHAR(64);
-- AlterTable
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE VARCHAR(320);
-- fails: value too long, a@x.io has six characters
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE VARCHAR(3);
-- AlterTable (silently truncates instead)
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE VARCHAR(5) USING ("email"::VARCHAR(5));
